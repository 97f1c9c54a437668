public import Metrics

/// Counts and times calls:
///
/// - `grpc_server_started_total` by `grpc_service` and `grpc_method`,
/// - `grpc_server_handled_total` by these and `grpc_code`,
/// - `grpc_server_handling_seconds`, a timer by `grpc_service` and `grpc_method`.
public struct ServerMetrics: ServerInterceptor {
  private let factory: (any MetricsFactory)?

  /// - Parameter factory: nil: the process's own at the time when the server is made.
  public init(factory: (any MetricsFactory)? = nil) {
    self.factory = factory
  }

  public func bound(to methods: [MethodDescriptor]) -> any ServerInterceptor {
    let factory = factory ?? MetricsSystem.factory
    return Bound(factory: factory, methods: methods.map { Method($0, factory) })
  }

  /// Handles that are looked up once and not at every call.
  private struct Method {
    let started: Counter
    let succeeded: Counter
    let duration: Timer

    init(_ method: MethodDescriptor, _ factory: any MetricsFactory) {
      let dimensions = ServerMetrics.dimensions(method)
      started = Counter(
        label: "grpc_server_started_total", dimensions: dimensions, factory: factory)
      succeeded = ServerMetrics.handled(method, .ok, factory)
      duration = Timer(
        label: "grpc_server_handling_seconds", dimensions: dimensions, factory: factory)
    }
  }

  private struct Bound: ServerInterceptor {
    let factory: any MetricsFactory
    let methods: [Method]

    func callStarted(_ context: ServerContext) {
      methods[context.methodIndex].started.increment()
    }

    func callEnded(_ context: ServerContext, status: RPCError?) {
      let index = context.methodIndex
      methods[index].duration.recordNanoseconds(context.elapsedNanoseconds)
      if let status {
        ServerMetrics.handled(context.method, status.code, factory).increment()
      } else {
        methods[index].succeeded.increment()
      }
    }
  }

  private static func dimensions(_ method: MethodDescriptor) -> [(String, String)] {
    [("grpc_service", method.service), ("grpc_method", method.method)]
  }

  private static func handled(
    _ method: MethodDescriptor, _ code: StatusCode, _ factory: any MetricsFactory
  ) -> Counter {
    Counter(
      label: "grpc_server_handled_total",
      dimensions: dimensions(method) + [("grpc_code", code.description)], factory: factory)
  }
}
