import Synchronization

/// What happened, in order, and whoever waits for something to have happened.
final class Mailbox<Item: Sendable>: Sendable {
  private struct Waiter {
    var isMet: @Sendable ([Item]) -> Bool
    var continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var items: [Item] = []
    var waiters: [Waiter] = []
  }

  private let state = Mutex(State())

  var items: [Item] { state.withLock { $0.items } }

  func add(_ item: Item) {
    let met = state.withLock { state in
      state.items.append(item)
      let met = state.waiters.filter { $0.isMet(state.items) }
      state.waiters.removeAll { $0.isMet(state.items) }
      return met
    }
    for waiter in met { waiter.continuation.resume() }
  }

  /// Returns once `isMet` holds; a test's time limit ends the waiting for what never comes.
  @discardableResult
  func wait(until isMet: @escaping @Sendable ([Item]) -> Bool) async -> [Item] {
    await withCheckedContinuation { continuation in
      let isMetNow = state.withLock { state in
        if isMet(state.items) { return true }
        state.waiters.append(Waiter(isMet: isMet, continuation: continuation))
        return false
      }
      if isMetNow { continuation.resume() }
    }
    return items
  }

  /// The item at `index`, once it is there.
  func item(_ index: Int) async -> Item { await wait { $0.count > index }[index] }

  /// The first item like that, once it is there.
  func first(where matches: @escaping @Sendable (Item) -> Bool) async -> Item {
    await wait { $0.contains(where: matches) }.first(where: matches)!
  }
}
