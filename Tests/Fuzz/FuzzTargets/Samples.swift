import Messages
import NIOCore

@testable import GRPC

/// What seeds are made of.
enum Samples {
  static var plan: BatonV1.Plan {
    BatonV1.Plan(
      name: "report", owner: "Anna", labels: ["team": "a", "area": "ü"],
      inputsJson: Array(#"{"topic":"trains"}"#.utf8),
      tasks: [
        .init(id: "search", type: "agent", payloadJson: Array(#"{"goal":"find"}"#.utf8)),
        .init(
          id: "write", dependsOn: ["search"],
          retry: .init(maxAttempts: 3, initialDelay: .initialDelayMs(100), multiplier: 2)),
      ])
  }

  static var status: GoogleRpc.Status {
    let error = RPCError(
      code: .notFound, reason: "NO_SUCH_PLAN", message: "there is no plan 7",
      metadata: ["plan": "7"], retryDelay: .seconds(2))
    var status = GoogleRpc.Status()
    status.code = 5
    status.message = error.message
    status.details = error.details
    return status
  }

  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes(Gzip.compress).map { Array($0.readableBytesView) } ?? []
  }
}
