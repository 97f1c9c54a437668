public import Metrics
internal import NIOConcurrencyHelpers

/// Counts and times calls:
///
/// - `grpc_client_started_total` by `grpc_service` and `grpc_method`,
/// - `grpc_client_handled_total` by these and `grpc_code`,
/// - `grpc_client_handling_seconds`, a timer by `grpc_service` and `grpc_method`.
public struct ClientMetrics: ClientInterceptor {
  private let factory: any MetricsFactory
  /// Handles that are looked up once and not at every call.
  private let methods = NIOLockedValueBox<[MethodDescriptor: Method]>([:])

  /// - Parameter factory: nil: the process's own at this time.
  public init(factory: (any MetricsFactory)? = nil) {
    self.factory = factory ?? MetricsSystem.factory
  }

  private struct Method {
    let started: Counter
    let succeeded: Counter
    let duration: Timer
  }

  public func callStarting(_ call: inout OutgoingCall) {
    method(call.method).started.increment()
  }

  public func callEnded(_ call: OutgoingCall, status: RPCError?) {
    let method = method(call.method)
    method.duration.recordNanoseconds(call.elapsed.nanoseconds)
    if let status {
      handled(call.method, status.code).increment()
    } else {
      method.succeeded.increment()
    }
  }

  private func method(_ name: MethodDescriptor) -> Method {
    methods.withLockedValue { methods in
      if let method = methods[name] { return method }
      let method = Method(
        started: Counter(
          label: "grpc_client_started_total", dimensions: dimensions(name), factory: factory),
        succeeded: handled(name, .ok),
        duration: Timer(
          label: "grpc_client_handling_seconds", dimensions: dimensions(name), factory: factory))
      methods[name] = method
      return method
    }
  }

  private func handled(_ name: MethodDescriptor, _ code: StatusCode) -> Counter {
    Counter(
      label: "grpc_client_handled_total",
      dimensions: dimensions(name) + [("grpc_code", code.description)], factory: factory)
  }

  private func dimensions(_ name: MethodDescriptor) -> [(String, String)] {
    [("grpc_service", name.service), ("grpc_method", name.method)]
  }
}
