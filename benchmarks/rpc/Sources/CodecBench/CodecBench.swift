import Glibc
import Messages
import PeerMessages
import SwiftProtobuf

/// Decodes and encodes a plan of 50 tasks, and reads ids and priorities of its tasks, in turn with
/// our messages and with swift-protobuf's.
///
/// Prints a line for each: what, size of the plan in bytes, microseconds of CPU with ours, with
/// theirs (medians of the rounds).
@main
struct CodecBench {
  static let rounds = 25
  static let repetitions = 400

  static func main() throws {
    let plan = PlanSample.plan(taskCount: 50)
    let bytes = plan.serializedBytes()
    let peerPlan = try Baton_V1_Plan(serializedBytes: bytes)
    try check(plan, bytes, peerPlan)

    try compare("decode", bytes.count) {
      keep(try BatonV1.Plan(serializedBytes: bytes))
    } theirs: {
      keep(try Baton_V1_Plan(serializedBytes: bytes))
    }
    try compare("encode", bytes.count) {
      keep(plan.serializedBytes())
    } theirs: {
      let encoded: [UInt8] = try peerPlan.serializedBytes()
      keep(encoded)
    }
    try compare("lazy_view", bytes.count) {
      keep(try bytes.withUnsafeBytes { try BatonV1.Plan.withView(serializedBytes: $0, weight) })
    } theirs: {
      keep(weight(try Baton_V1_Plan(serializedBytes: bytes)))
    }
  }

  /// What deciding about a plan reads of it: of every task its id and priority.
  static func weight(_ plan: borrowing BatonV1.Plan.View) -> Int {
    let tasks = plan.tasks
    var weight = 0
    for index in 0..<tasks.count {
      weight += tasks[index].id.utf8.count + Int(tasks[index].priority)
    }
    return weight
  }

  static func weight(_ plan: Baton_V1_Plan) -> Int {
    plan.tasks.reduce(0) { $0 + $1.id.utf8.count + Int($1.priority) }
  }

  /// What is compared must be the same plan.
  static func check(_ plan: BatonV1.Plan, _ bytes: [UInt8], _ peerPlan: Baton_V1_Plan) throws {
    let peerBytes: [UInt8] = try peerPlan.serializedBytes()
    guard try BatonV1.Plan(serializedBytes: bytes) == plan,
      try BatonV1.Plan(serializedBytes: peerBytes) == plan,
      peerPlan.tasks.count == plan.tasks.count
    else { throw DifferentPlans() }
  }

  struct DifferentPlans: Error {}

  /// Takes the time of both in turn and prints the medians.
  static func compare(
    _ name: String, _ byteCount: Int, ours: () throws -> Void, theirs: () throws -> Void
  ) throws {
    var times: (ours: [Double], theirs: [Double]) = ([], [])
    for round in 0...rounds {
      let one = try microseconds(ours)
      let other = try microseconds(theirs)
      // The first round warms up.
      guard round > 0 else { continue }
      times.ours.append(one)
      times.theirs.append(other)
    }
    print(name, byteCount, median(times.ours), median(times.theirs))
  }

  static func microseconds(_ body: () throws -> Void) throws -> Double {
    let start = cpuNanoseconds()
    for _ in 0..<repetitions { try body() }
    return Double(cpuNanoseconds() - start) / 1000 / Double(repetitions)
  }

  /// Time that this thread has used: what else runs on the core does not count.
  static func cpuNanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// Keeps the optimizer from leaving out what makes the value.
  @inline(never)
  static func keep<Value>(_ value: borrowing Value) {}
}
