internal import HeapModule

/// Ready tasks by what they can be handed to, so that tasks whose adapter is full or absent hold
/// up nobody else.
struct ReadyLanes: Sendable {
  private struct Entry: Comparable, Sendable {
    var rank: Int
    var ordinal: Int

    /// Instances of one task share its rank and go in order.
    static func < (left: Entry, right: Entry) -> Bool {
      left.rank != right.rank ? left.rank < right.rank : left.ordinal < right.ordinal
    }
  }

  private struct LaneName: Hashable {
    var type: String
    var adapter: String?
  }

  private struct Lane: Sendable {
    var name: LaneName
    var heap = Heap<Entry>()
  }

  /// The best entry of a lane.
  private struct Head: Comparable {
    var entry: Entry
    var lane: Int

    static func < (left: Head, right: Head) -> Bool { left.entry < right.entry }
  }

  private var lanes: [Lane] = []
  private var indices: [LaneName: Int] = [:]

  /// Tasks that left the ready state some other way stay in until they come up; `isReady` sorts
  /// them out.
  mutating func insert(ordinal: Int, rank: Int, type: String, adapter: String?) {
    let name = LaneName(type: type, adapter: adapter)
    let index = indices[name] ?? lanes.count
    if index == lanes.count {
      indices[name] = index
      lanes.append(Lane(name: name))
    }
    lanes[index].heap.insert(Entry(rank: rank, ordinal: ordinal))
  }

  /// Hands tasks to `take`, best rank first, until it has declined one of every lane.
  mutating func drain(
    isReady: (Int) -> Bool, take: (_ ordinal: Int, _ type: String, _ adapter: String?) -> Bool
  ) {
    var heads = Heap<Head>()
    for lane in lanes.indices {
      if let head = head(of: lane, isReady) { heads.insert(head) }
    }
    while let head = heads.popMin() {
      let name = lanes[head.lane].name
      guard take(head.entry.ordinal, name.type, name.adapter) else { continue }
      lanes[head.lane].heap.removeMin()
      if let next = self.head(of: head.lane, isReady) { heads.insert(next) }
    }
  }

  private mutating func head(of lane: Int, _ isReady: (Int) -> Bool) -> Head? {
    while let entry = lanes[lane].heap.min {
      if isReady(entry.ordinal) { return Head(entry: entry, lane: lane) }
      lanes[lane].heap.removeMin()
    }
    return nil
  }

  /// Whether anything may be ready.
  var isEmpty: Bool { lanes.allSatisfy { $0.heap.isEmpty } }
}
