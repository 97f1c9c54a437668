import Testing

@testable import GRPC

/// Each row is the life of a call's requests: what happens, and what comes of it, in order.
@Suite struct RequestQueueTests {
  enum Event {
    case write(String)
    case finish
    case take
    case startOver
    case commit
    case end
  }

  /// What an event led to, as text: what a write or finish answered, or what was handed out.
  private func run(_ event: Event, _ queue: inout RequestQueue) -> String {
    switch event {
    case .write(let text):
      var text = text
      return text.withUTF8 { bytes in
        switch queue.write(UnsafeRawBufferPointer(bytes)) {
        case .accepted(let wakes, let waits):
          (wakes ? "wake" : "quiet") + (waits ? ", wait" : "")
        case .afterFinish: "after the end"
        case .ended: "over"
        }
      }
    case .finish: return queue.finish() ? "wake" : "quiet"
    case .take:
      var taken = ""
      let portion = queue.take { taken = String(decoding: $0, as: UTF8.self) }
      #expect(portion.byteCount == taken.utf8.count)
      return taken + (portion.isLast ? "." : "")
    case .startOver:
      queue.startOver()
      return queue.isReplayable ? "again" : "lost"
    case .commit:
      queue.commit()
      return "held \(queue.heldBytes)"
    case .end:
      queue.end()
      return "held \(queue.heldBytes)"
    }
  }

  @Test(
    arguments: [
      // Written before the stream is there: taken when it opens; later ones wake the loop once.
      (
        [.write("a"), .write("b"), .take, .write("c"), .write("d"), .take, .finish, .take, .take],
        ["quiet", "quiet", "ab", "wake", "quiet", "cd", "wake", ".", ""]
      ),
      // The end alone, and the end with the last requests.
      ([.finish, .take], ["quiet", "."]),
      ([.write("a"), .finish, .take, .finish], ["quiet", "quiet", "a.", "quiet"]),
      ([.finish, .write("a")], ["quiet", "after the end"]),
      // Starting over gives everything again, the end included.
      (
        [.write("a"), .take, .write("b"), .finish, .startOver, .take, .startOver, .take],
        ["quiet", "a", "wake", "quiet", "again", "ab.", "again", "ab."]
      ),
      // Once the response has begun nothing is kept.
      (
        [.write("abc"), .take, .commit, .write("d"), .take, .commit],
        ["quiet", "abc", "held 0", "wake", "d", "held 0"]
      ),
      (
        [.write("abc"), .take, .write("d"), .commit, .take],
        ["quiet", "abc", "wake", "held 1", "d"]
      ),
      // Nor when it is too much to keep (here 8 bytes).
      (
        [.write("123456789"), .startOver, .take, .startOver],
        ["quiet", "again", "123456789", "lost"]
      ),
      // A call that is over takes nothing and gives nothing.
      (
        [.write("a"), .end, .write("b"), .finish, .take],
        ["quiet", "held 0", "over", "quiet", ""]
      ),
    ] as [([Event], [String])])
  func queue(events: [Event], outcomes: [String]) {
    var queue = RequestQueue(replayBytesMax: 8)
    #expect(events.map { run($0, &queue) } == outcomes)
  }

  @Test func aWriterWaitsFromTheHighWaterMarkOn() {
    var queue = RequestQueue(replayBytesMax: 0)
    let half = String(repeating: "x", count: RequestQueue.unsentBytesHigh / 2)
    #expect(run(.write(half), &queue) == "quiet")
    #expect(run(.write(half), &queue) == "quiet, wait")
    #expect(run(.take, &queue) == half + half)
    #expect(queue.heldBytes == 0)
    #expect(run(.write(half), &queue) == "wake")
  }
}
