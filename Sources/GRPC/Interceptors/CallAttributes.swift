internal import Logging

/// What logs, metrics and spans say of a call, the same on server and client.
extension StatusCode {
  /// Whether the call failed by a fault of the server rather than of the call
  /// (opentelemetry.io/docs/specs/semconv/rpc/grpc, "gRPC Status").
  var isServerFault: Bool {
    switch self {
    case .unknown, .deadlineExceeded, .unimplemented, .internalError, .unavailable, .dataLoss:
      true
    default: false
    }
  }

  /// Faults of this program are errors; what an operator may want to know of is a warning; what a
  /// caller got wrong, or wanted ended, is no more than information.
  var logLevel: Logger.Level {
    switch self {
    case .ok: .debug
    case .unknown, .internalError, .dataLoss: .error
    case .deadlineExceeded, .resourceExhausted, .unavailable: .warning
    default: .info
    }
  }
}

extension Duration {
  /// Milliseconds for people: "0.042".
  var milliseconds: String {
    let microseconds = nanoseconds / 1000
    let fraction = "\(microseconds % 1000)"
    return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}
