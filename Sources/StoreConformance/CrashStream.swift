internal import Plan
public import Store

/// An endless stream of commits whose every state can be told from its revision: one process
/// writes until it is killed, another verifies what is left.
public struct CrashStream: Sendable {
  /// Plans of one group, changed together in every commit.
  public static let groupSize = 5
  private let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// Commits group after group, 30 revisions each, and calls `acknowledge` after each commit with
  /// the number of the group and the revision that it has now. Never returns normally.
  public func write(
    to store: any PlanStore, acknowledge: (_ group: Int, _ revision: Int64) throws -> Void
  ) throws -> Never {
    var group = 0
    while true {
      var members = (0..<Self.groupSize).map { Member(seed: seed, group: group, index: $0) }
      for revision in 1...Int64(30) {
        try store.commit(members.indices.map { members[$0].nextChange() })
        try acknowledge(group, revision)
      }
      group += 1
    }
  }

  /// Throws unless everything acknowledged is stored, whole, and nothing else than the one commit
  /// that may have been under way. `acknowledged` maps groups to their last revisions.
  public func verify(_ store: any PlanStore, acknowledged: [Int: Int64]) throws {
    let last = acknowledged.keys.max() ?? -1
    for group in 0...(last + 1) {
      let expected = acknowledged[group] ?? 0
      let ids = (0..<Self.groupSize).map { Member(seed: seed, group: group, index: $0).planID }
      let revisions = try ids.map { try store.load($0)?.plan.revision ?? 0 }
      try expect(
        Set(revisions).count == 1, "group \(group) is torn apart: revisions \(revisions)")
      let isLast = group >= last
      try expect(
        revisions[0] == expected || (isLast && revisions[0] == expected + 1),
        "group \(group) is at \(revisions[0]), acknowledged \(expected)")
      for index in 0..<Self.groupSize where revisions[0] > 0 {
        var member = Member(seed: seed, group: group, index: index)
        for _ in 1...revisions[0] { _ = member.nextChange() }
        try member.model?.verify(in: store)
      }
    }
  }

  /// One plan of the stream.
  private struct Member {
    let planID: PlanID
    private(set) var model: PlanModel?
    private var random: RandomSource

    init(seed: UInt64, group: Int, index: Int) {
      random = RandomSource(seed: seed ^ UInt64(group * CrashStream.groupSize + index + 1) << 20)
      planID = random.planID(unixMilliseconds: Int64(group))
    }

    mutating func nextChange() -> PlanChange {
      guard var model else {
        let change = PlanModel.creation(of: planID, random.creation(taskCount: 8), &random)
        self.model = PlanModel(change)
        return change
      }
      let change = model.nextChange(&random)
      model.apply(change)
      self.model = model
      return change
    }
  }
}
