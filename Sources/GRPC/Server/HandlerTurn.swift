/// A task's turn at running handlers: it is over when a handler waits.
struct HandlerTurn: Sendable {
  let number: Int
  let scope: CallScope.Reference
}
