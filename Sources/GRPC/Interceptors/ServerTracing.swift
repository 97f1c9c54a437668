public import Tracing

/// Begins a span for every call, under the caller's: the tracer finds that in the metadata (by
/// W3C's "traceparent", for example). The span is current for the handler, so that what the handler
/// calls is traced under it.
///
/// Attributes: opentelemetry.io/docs/specs/semconv/rpc/grpc.
public struct ServerTracing: ServerInterceptor {
  private let tracer: any Tracer

  public init(tracer: any Tracer = InstrumentationSystem.tracer) {
    self.tracer = tracer
  }

  public func bound(to methods: [MethodDescriptor]) -> any ServerInterceptor {
    Bound(tracer: tracer, names: methods.map(\.description))
  }

  /// Lets the tracer find its fields in the call's headers.
  private struct HeaderExtractor: Extractor {
    func extract(key: String, from context: ServerContext) -> String? {
      context.header(key)
    }
  }

  private enum CallSpan: ServiceContextKey {
    typealias Value = any Span
  }

  private struct Bound: ServerInterceptor {
    let tracer: any Tracer
    let names: [String]

    func callStarted(_ context: ServerContext) {
      var parent = ServiceContext.topLevel
      tracer.extract(context, into: &parent, using: HeaderExtractor())
      let span = begin(names[context.methodIndex], parent, tracer)
      var current = span.context
      if span.isRecording {
        span.attributes["rpc.system"] = "grpc"
        span.attributes["rpc.service"] = context.method.service
        span.attributes["rpc.method"] = context.method.method
        current[CallSpan.self] = span
      }
      // Without a tracer there is nothing to hand on.
      if !current.isEmpty { context.serviceContext = current }
    }

    private func begin(
      _ name: String, _ parent: ServiceContext, _ tracer: some Tracer
    ) -> any Span {
      tracer.startSpan(name, context: parent, ofKind: .server)
    }

    func callEnded(_ context: ServerContext, status: RPCError?) {
      guard let span = context.serviceContext?[CallSpan.self] else { return }
      let code = status?.code ?? .ok
      span.attributes["rpc.grpc.status_code"] = code.rawValue
      if let status, code.isServerFault {
        span.setStatus(SpanStatus(code: .error, message: status.reason ?? code.description))
      }
      span.end()
    }
  }
}
