import NIOConcurrencyHelpers

/// What happened, in order, and whoever waits for something to have happened.
final class Mailbox<Item: Sendable>: Sendable {
  private struct Waiter {
    var isMet: @Sendable ([Item]) -> Bool
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var items: [Item] = []
    var made = 0
    var waiters: [Int: Waiter] = [:]
    var cancelled: Set<Int> = []
  }

  private let state = NIOLockedValueBox(State())

  var items: [Item] { state.withLockedValue { $0.items } }

  func add(_ item: Item) {
    let met = state.withLockedValue { state in
      state.items.append(item)
      let met = state.waiters.filter { $0.value.isMet(state.items) }
      for id in met.keys { state.waiters[id] = nil }
      return met.values
    }
    for waiter in met { waiter.continuation.resume() }
  }

  /// Returns once `isMet` holds. Throws where the test's time limit ends the waiting.
  @discardableResult
  func wait(until isMet: @escaping @Sendable ([Item]) -> Bool) async throws -> [Item] {
    let id = state.withLockedValue { state in
      state.made += 1
      return state.made
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome = state.withLockedValue { state -> Result<Void, any Error>? in
          if isMet(state.items) { return .success(()) }
          if state.cancelled.contains(id) { return .failure(CancellationError()) }
          state.waiters[id] = Waiter(isMet: isMet, continuation: continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let waiter = state.withLockedValue { state in
        state.cancelled.insert(id)
        return state.waiters.removeValue(forKey: id)
      }
      waiter?.continuation.resume(throwing: CancellationError())
    }
    return items
  }

  /// The item at `index`, once it is there.
  func item(_ index: Int) async throws -> Item { try await wait { $0.count > index }[index] }

  /// The first item like that, once it is there.
  func first(where matches: @escaping @Sendable (Item) -> Bool) async throws -> Item {
    let items = try await wait { $0.contains(where: matches) }
    return items[items.firstIndex(where: matches) ?? 0]
  }
}
