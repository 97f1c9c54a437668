public import Logging

/// Logs every call at its end: method, code, reason, duration and peer; never a payload, nor the
/// status' message, which may quote one.
///
/// Calls that went well are logged at `debug`, errors of callers at `info`, an exhausted limit or
/// time at `warning`, faults of the server at `error`.
public struct ServerLogging: ServerInterceptor {
  private let logger: Logger

  public init(_ logger: Logger) {
    self.logger = logger
  }

  public func callEnded(_ context: ServerContext, status: RPCError?) {
    let code = status?.code ?? .ok
    let level = code.logLevel
    guard level >= logger.logLevel else { return }
    var fields: Logger.Metadata = [
      "method": "\(context.method)", "code": "\(code)", "peer": "\(context.peer)",
      "duration_ms": "\(context.elapsed.milliseconds)",
    ]
    if let reason = status?.reason { fields["reason"] = "\(reason)" }
    logger.log(level: level, "call ended", metadata: fields)
  }
}
