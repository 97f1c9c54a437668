public import Logging

/// Logs every call at its end: method, code, reason, duration and target; never a payload, nor the
/// status' message, which may quote one.
///
/// Calls that went well are logged at `debug`, refusals at `info`, an exhausted limit or time and an
/// absent server at `warning`, faults at `error`.
public struct ClientLogging: ClientInterceptor {
  private let logger: Logger

  public init(_ logger: Logger) {
    self.logger = logger
  }

  public func callEnded(_ call: OutgoingCall, status: RPCError?) {
    let code = status?.code ?? .ok
    let level = code.logLevel
    guard level >= logger.logLevel else { return }
    var fields: Logger.Metadata = [
      "method": "\(call.method)", "code": "\(code)", "target": "\(call.target)",
      "duration_ms": "\(call.elapsed.milliseconds)",
    ]
    if let reason = status?.reason { fields["reason"] = "\(reason)" }
    if let cause = status?.cause { fields["cause"] = "\(cause)" }
    logger.log(level: level, "outgoing call ended", metadata: fields)
  }
}
