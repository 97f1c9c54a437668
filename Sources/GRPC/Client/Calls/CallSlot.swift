internal import NIOConcurrencyHelpers

/// Connects a task's cancellation with the call that the task is about to start.
final class CallSlot: Sendable {
  private let state = NIOLockedValueBox(State.empty)

  private enum State {
    case empty
    case filled(ClientCall)
    case cancelled
  }

  func fill(_ call: ClientCall) {
    let isCancelled = state.withLockedValue { state in
      if case .cancelled = state { return true }
      state = .filled(call)
      return false
    }
    if isCancelled { CallHandle(call: call).cancel() }
  }

  func cancel() {
    let call = state.withLockedValue { state -> ClientCall? in
      defer { state = .cancelled }
      if case .filled(let call) = state { return call }
      return nil
    }
    if let call { CallHandle(call: call).cancel() }
  }
}
