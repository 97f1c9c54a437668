import Foundation
import GRPC
import Messages
import Testing

/// grpcio's client against our server.
@Suite struct PythonClientTests {
  private struct Results: Decodable {
    struct Failure: Decodable {
      let code: String
      var message: String?
      var details: String?
      var trailing: [String: String]?
    }
    struct Exchange: Decodable {
      let seen: String
      let initial: [String: String]
      let trailing: String
      let binary: String
    }
    struct Health: Decodable {
      let check: Int
      let watch: Int
      let unknown: String
    }
    let echo: String
    let large: Bool
    let many: Bool
    let count: [String]
    let fail: Failure
    let count_and_fail: Failure
    let crash: Failure
    let unknown: Failure
    let deadline: Failure
    let compressed: [Bool]
    let metadata: Exchange
    let cancel: String
    let slow: Bool
    let health: Health
  }

  private func results() async throws -> Results {
    var results: Results?
    try await withProbe(services: [HealthService()]) { _, probe, address in
      let output = try await PythonPeer.run(["call", address.description])
      results = try JSONDecoder().decode(Results.self, from: output)
      // Its deadline and its cancellations have reached the handlers.
      await probe.record.wait(for: "cancelled")
      await probe.record.wait(for: "flood ended")
    }
    return try #require(results)
  }

  @Test func everything() async throws {
    let results = try await results()
    #expect(results.echo == "grüße")
    #expect(results.large)
    #expect(results.many)
    #expect(results.count == (0..<1000).map { "\($0)" })
    #expect(results.fail.code == "FAILED_PRECONDITION")
    #expect(results.fail.message == "too old: 100 % ünlucky")
    let details = try #require(results.fail.details)
    let status = try GoogleRpc.Status(serializedBytes: bytes(hexadecimal: details))
    #expect(status.code == 9)
    let error = RPCError(code: .failedPrecondition, message: "", details: status.details)
    #expect(error.reason == "STALE_LEASE")
    #expect(error.errorInfo?.metadata == ["task_id": "t1"])
    #expect(results.count_and_fail.code == "DATA_LOSS")
    #expect(results.count_and_fail.trailing?["x-trailing"] == "t")
    #expect(results.crash.code == "UNKNOWN")
    #expect(results.unknown.code == "UNIMPLEMENTED")
    #expect(results.deadline.code == "DEADLINE_EXCEEDED")
    #expect(results.compressed == [true, true])
    #expect(results.metadata.seen == #"string("a") string("b") from somewhere"#)
    #expect(results.metadata.initial["x-initial"] == "i")
    #expect(results.metadata.trailing == "t")
    #expect(results.metadata.binary == "0001ff")
    #expect(results.cancel == "CANCELLED")
    #expect(results.slow)
    #expect(results.health.check == 1)
    #expect(results.health.watch == 1)
    #expect(results.health.unknown == "NOT_FOUND")
  }

  private func bytes(hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...($0 + 1)]), radix: 16)
    }
  }
}

/// Our client against grpcio's server.
@Suite struct PythonServerTests {
  @Test func everything() async throws {
    try await PythonPeer.withServer { port in
      let channel = ClientChannel(address: .tcp(host: "127.0.0.1", port: port))
      try await unary(channel)
      try await streams(channel)
      try await cancellation(channel)
      channel.close()
    }
  }

  private func unary(_ channel: ClientChannel) async throws {
    let large = String(repeating: "ä", count: 1_500_000)
    #expect(try await channel.text("Echo", large) == large)
    let missing = await channel.failure("Nothing")
    #expect(missing?.code == .unimplemented)
    let text = try await channel.text("Remaining", "", CallOptions(timeout: .seconds(100)))
    #expect((95...100).contains(Int(text) ?? 0))

    var metadata: Metadata = ["x-text": "a", "X-Text": "b"]
    metadata.add("x-bytes-bin", binary: [0, 255])
    let seen = try await channel.text("Metadata", "", CallOptions(metadata: metadata))
    #expect(seen == #"x-text='a' x-text='b' x-bytes-bin=b'\x00\xff'"#)

    let error = try #require(await channel.failure("Fail"))
    #expect(error.code == .failedPrecondition)
    #expect(error.message == "zu alt: 100 % ä")
    #expect(error.reason == "STALE_LEASE")
    #expect(error.errorInfo?.metadata == ["task_id": "t1"])
    #expect(!error.neverSent)
  }

  private func streams(_ channel: ClientChannel) async throws {
    var texts: [String] = []
    let counted: ResponseStream<Text> = try await channel.serverStreaming(
      Probe.method("Count"), Text("1000"))
    for try await text in counted { texts.append(text.service) }
    #expect(texts == (0..<1000).map { "\($0)" })

    let flood: ResponseStream<Text> = try await channel.serverStreaming(
      Probe.method("Flood"), Text())
    var reader = flood.makeAsyncIterator()
    for _ in 0..<300 {
      #expect(try await reader.next()?.service.count == 1000)
      #expect(try await channel.text("Echo", "beside") == "beside")
    }
    flood.cancel()
  }

  private func cancellation(_ channel: ClientChannel) async throws {
    let options = CallOptions(timeout: .milliseconds(200))
    #expect(await channel.failure("Wait", "", options)?.code == .deadlineExceeded)
    #expect(try await channel.text("WasCancelled") == "True")
  }
}
