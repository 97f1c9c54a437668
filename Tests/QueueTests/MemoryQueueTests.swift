import Dispatch
import Plan
import Queue
import QueueConformance
import Synchronization
import Testing

struct MemoryQueueTests {
  @Test(arguments: QueueCheck.all)
  func conforms(_ check: QueueCheck) throws {
    try check.run { MemoryQueue() }
  }

  @Test func callsTheSubscriberInsideEnqueue() throws {
    let queue = MemoryQueue()
    let taken = Atomic(0)
    try queue.subscribe { taken.add($0.count, ordering: .relaxed) }
    try queue.enqueue([hint, hint])
    let count = taken.load(ordering: .relaxed)
    #expect(count == 2)
  }

  @Test func refusesHintsBeforeThereIsASubscriber() {
    #expect(throws: QueueError.self) { try MemoryQueue().enqueue([hint]) }
  }

  @Test func closeWaitsForTheSubscriber() throws {
    let queue = MemoryQueue()
    let (entered, leave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let isInside = Atomic(false)
    try queue.subscribe { _ in
      isInside.store(true, ordering: .releasing)
      entered.signal()
      leave.wait()
      isInside.store(false, ordering: .releasing)
    }
    DispatchQueue(label: "enqueue").async { try? queue.enqueue([hint]) }
    entered.wait()
    DispatchQueue(label: "leave").async { leave.signal() }
    queue.close()
    let stillInside = isInside.load(ordering: .acquiring)
    #expect(!stillInside)
  }
}

private let hint = HandOutHint(
  planID: PlanID(high: 1, low: 2), ordinal: 0, attempt: 1, delivery: 1)
