public import Tracing

/// Begins a span for every call, under the caller's, and tells the server of it: the tracer puts its
/// fields (W3C's "traceparent", for example) into the metadata.
///
/// Attributes: opentelemetry.io/docs/specs/semconv/rpc/grpc.
public struct ClientTracing: ClientInterceptor {
  private let tracer: any Tracer

  /// - Parameter tracer: nil: the process's own at this time.
  public init(tracer: (any Tracer)? = nil) {
    self.tracer = tracer ?? InstrumentationSystem.tracer
  }

  private enum CallSpan: ServiceContextKey {
    typealias Value = any Span
  }

  /// Puts a tracer's fields into metadata.
  private struct Injecting: Injector {
    func inject(_ value: String, forKey key: String, into metadata: inout Metadata) {
      metadata.add(key, value)
    }
  }

  public func callStarting(_ call: inout OutgoingCall) {
    let span = begin(call, tracer)
    tracer.inject(span.context, into: &call.metadata, using: Injecting())
    guard span.isRecording else { return }
    span.attributes["rpc.system"] = "grpc"
    span.attributes["rpc.service"] = call.method.service
    span.attributes["rpc.method"] = call.method.method
    span.attributes["server.address"] = call.target
    call.serviceContext = span.context
    call.serviceContext[CallSpan.self] = span
  }

  private func begin(_ call: OutgoingCall, _ tracer: some Tracer) -> any Span {
    tracer.startSpan(call.method.description, context: call.serviceContext, ofKind: .client)
  }

  public func callEnded(_ call: OutgoingCall, status: RPCError?) {
    guard let span = call.serviceContext[CallSpan.self] else { return }
    let code = status?.code ?? .ok
    span.attributes["rpc.grpc.status_code"] = code.rawValue
    // A client's span fails with any code but OK.
    if let status {
      span.setStatus(SpanStatus(code: .error, message: status.reason ?? code.description))
    }
    span.end()
  }
}
