/// A task's turn at running handlers: it is over when a handler waits.
struct HandlerTurn: Sendable {
  let number: Int
  let scope: CallScope.Reference
}

/// Starts the handlers of one connection's calls, many in one task, and keeps the objects of calls
/// that are over for calls to come.
///
/// `@unchecked Sendable`: used on the connection's event loop only.
final class HandlerQueue: @unchecked Sendable {
  private let executor: LoopTaskExecutor
  /// Calls whose handlers are to be started, in order; nil where it has been done.
  private var ready: [ServerCall?] = []
  private var readyIndex = 0
  /// Counts the times that handlers were started; the task of an earlier one has left the loop.
  private var turn = 0
  /// The call whose handler runs in this turn; the handler holds it.
  private var running: Unmanaged<ServerCall>?
  /// Whether a handler has run in this turn.
  private var hasRun = false
  private var spare: [ServerCall] = []
  private var isClosed = false

  private static let spareMax = 128

  init(_ executor: LoopTaskExecutor) {
    self.executor = executor
  }

  /// The call's handler starts when everything received with it has been handled.
  func enqueue(_ call: ServerCall) {
    ready.append(call)
  }

  /// Starts every handler that is due. One task runs as many as end without waiting: a task for
  /// each would cost more than all else that is done for a call. A handler that waits keeps its
  /// task to itself, and another task goes on with the rest.
  func start() {
    guard !ready.isEmpty else { return }
    while readyIndex < ready.count {
      turn += 1
      hasRun = false
      let turn = turn
      let task = executor.start { await self.runHandlers(HandlerTurn(number: turn, scope: $0)) }
      self.turn += 1
      running?._withUnsafeGuaranteedRef { $0.suspended(in: task) }
      running = nil
    }
    ready.removeAll(keepingCapacity: true)
    readyIndex = 0
  }

  private func runHandlers(_ turn: HandlerTurn) async {
    while let call = next(in: turn) { await call.head.entry.handler.run(call, turn) }
  }

  /// When the handler of `call` is done: puts the next call of the same method in its place, if its
  /// handler is to run in the same turn.
  func advance(_ call: inout ServerCall, in turn: HandlerTurn) -> Bool {
    guard var next = next(in: turn, of: call.head.entry) else { return false }
    swap(&call, &next)
    keep(next)
    return true
  }

  /// The call whose handler is to run next in that turn; nil when the turn is over. With a method,
  /// only a call of it.
  private func next(in turn: HandlerTurn, of method: MethodTable.Entry? = nil) -> ServerCall? {
    guard turn.number == self.turn else { return nil }
    running = nil
    while readyIndex < ready.count, !hasRun || !turn.scope.isShared {
      if let method, ready[readyIndex]?.head.entry !== method { return nil }
      var next: ServerCall?
      swap(&next, &ready[readyIndex])
      readyIndex += 1
      // It may have ended before its turn.
      guard let call = next, call.machine.state != .ended else { continue }
      running = .passUnretained(call)
      hasRun = true
      turn.scope.enter(deadline: call.head.deadline)
      return call
    }
    return nil
  }

  // MARK: Spare objects

  func takeSpare() -> ServerCall? { spare.popLast() }

  /// Keeps the object of a call that is over, unless somebody else holds it, such as a handler that
  /// has kept its context.
  private func keep(_ finished: consuming ServerCall) {
    var call = finished
    guard !isClosed, spare.count < Self.spareMax, isKnownUniquelyReferenced(&call) else { return }
    call.clear()
    spare.append(call)
  }

  func releaseSpare() {
    spare = []
  }

  /// The connection is gone: objects that are kept would keep it.
  func close() {
    isClosed = true
    releaseSpare()
  }
}
