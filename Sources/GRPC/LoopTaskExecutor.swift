internal import NIOCore

/// Runs a task's jobs on an event loop, so that a handler shares the thread of its connection.
///
/// `@unchecked Sendable`: what is mutable is used on the event loop only.
final class LoopTaskExecutor: TaskExecutor, @unchecked Sendable {
  let eventLoop: any EventLoop
  private var isStarting = false
  private var firstJob: UnownedJob?

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if eventLoop.inEventLoop, isStarting, firstJob == nil {
      firstJob = job
    } else {
      eventLoop.execute { self.run(job) }
    }
  }

  /// Starts a task whose calls end no later than `scope` says, and runs it until it suspends for
  /// the first time. Only the task holds the scope by then: see `CallScope.Content.isShared`.
  func start(
    _ body: @escaping @Sendable (CallScope.Reference) async -> Void
  ) -> Task<Void, Never> {
    isStarting = true
    let task = makeTask(body)
    isStarting = false
    if let job = firstJob {
      firstJob = nil
      run(job)
    }
    return task
  }

  /// Not inlined: what this function holds of the scope is gone when it returns.
  @inline(never)
  private func makeTask(
    _ body: @escaping @Sendable (CallScope.Reference) async -> Void
  ) -> Task<Void, Never> {
    let content = CallScope.Content()
    let scope = CallScope.Reference(content)
    return CallScope.$content.withValue(content) {
      Task(executorPreference: self) { await body(scope) }
    }
  }

  private func run(_ job: UnownedJob) {
    job.runSynchronously(on: asUnownedTaskExecutor())
  }
}
