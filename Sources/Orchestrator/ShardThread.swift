internal import Dispatch
internal import Foundation
internal import NIOConcurrencyHelpers

/// The thread a shard lives on, and its inbox.
///
/// One thread does turns and commits: what arrives during a commit is the next group, and a step of
/// a plan costs one wake-up.
final class ShardThread: Sendable {
  private struct Inbox {
    var work: [Shard.Work] = []
    var isWaiting = false
    var isStopped = false
  }

  private let inbox = NIOLockedValueBox(Inbox())
  private let wakeUp = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// Puts work into the inbox; false where that is closed and the work will not be done.
  @discardableResult
  func post(_ work: @escaping Shard.Work) -> Bool {
    let (isTaken, mustWake) = inbox.withLockedValue { inbox in
      guard !inbox.isStopped else { return (false, false) }
      inbox.work.append(work)
      defer { inbox.isWaiting = false }
      return (true, inbox.isWaiting)
    }
    if mustWake { wakeUp.signal() }
    return isTaken
  }

  /// Starts the thread; `make` is called on it.
  func start(_ make: @escaping @Sendable () -> Shard) {
    let thread = Thread { [self] in
      let shard = make()
      while let work = next(shard) { shard.turn(work) }
      ended.signal()
    }
    thread.name = "baton-shard"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Finishes what has come, then ends the thread.
  func stop() {
    let mustWake = inbox.withLockedValue { inbox in
      inbox.isStopped = true
      defer { inbox.isWaiting = false }
      return inbox.isWaiting
    }
    if mustWake { wakeUp.signal() }
    ended.wait()
  }

  /// Waits for work or for the shard's next timer; nil at the end.
  private func next(_ shard: Shard) -> [Shard.Work]? {
    while true {
      let delay = shard.nextDue.map { max(0, $0 - shard.clock.milliseconds()) }
      let work: [Shard.Work]?? = inbox.withLockedValue { inbox in
        guard inbox.work.isEmpty else {
          defer { inbox.work = [] }
          return inbox.work
        }
        if inbox.isStopped { return .some(nil) }
        if delay == 0 { return [] }
        inbox.isWaiting = true
        return nil
      }
      if let work { return work }
      if let delay {
        _ = wakeUp.wait(timeout: .now() + .milliseconds(Int(min(delay, 86_400_000))))
        inbox.withLockedValue { $0.isWaiting = false }
      } else {
        wakeUp.wait()
      }
    }
  }
}
