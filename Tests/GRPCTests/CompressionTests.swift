import GRPC
import HTTP2
import Messages
import NIOCore
import Testing

@testable import enum GRPC.Gzip

/// Compression as a client of plain HTTP/2 sees it (doc/compression.md).
@Suite struct CompressionTests {
  private func withRaw(
    _ configuration: ServerConfiguration = ServerConfiguration(requestBytesMax: 100_000),
    _ body: (RawConnection, ClientChannel) async throws -> Void
  ) async throws {
    try await withProbe(server: configuration) { channel, _, address in
      let connection = try await RawConnection.connect(to: address)
      try await body(connection, channel)
      connection.close()
    }
  }

  private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    let packed = try #require(bytes.withUnsafeBytes { Gzip.compress($0) })
    return Array(packed.readableBytesView)
  }

  private func packed(_ text: String) throws -> [UInt8] {
    framed(try gzip(Text(text).serializedBytes()), flag: 1)
  }

  /// Text and compressed flag of a response.
  private func read(_ event: RawCall.Event?) throws -> (text: String, isCompressed: Bool) {
    guard case .message(let bytes) = event else {
      Issue.record("no message but \(String(describing: event))")
      return ("", false)
    }
    let payload = Array(bytes.dropFirst(5))
    guard bytes[0] == 1 else { return (try Text(serializedBytes: payload).service, false) }
    let plain = try Gzip.decompress(ByteBuffer(bytes: payload), bytesMax: 1_000_000)
    return (try Text(serializedBytes: Array(plain.readableBytesView)).service, true)
  }

  @Test(arguments: [
    ("Echo", "gzip", false, false), ("EchoCompressed", "identity,deflate,gzip", false, true),
    ("EchoCompressed", "identity", false, false), ("EchoCompressed", "", false, false),
    ("Echo", "gzip", true, true), ("Echo", "deflate", true, false),
  ])
  func responses(
    method: String, accepted: String, byDefault: Bool, isCompressed: Bool
  ) async throws {
    try await withRaw(ServerConfiguration(compressesResponses: byDefault)) { connection, _ in
      let text = String(repeating: "x", count: 10_000)
      let fields = accepted.isEmpty ? [] : [("grpc-accept-encoding", accepted)]
      let call = try await connection.open(method, fields)
      call.send(text)
      call.end()
      guard case .headers(let headers) = await call.next() else {
        Issue.record("no headers")
        return
      }
      #expect(headers["grpc-encoding"] == (isCompressed ? "gzip" : nil))
      let answer = try read(await call.next())
      #expect(answer.text == text)
      #expect(answer.isCompressed == isCompressed)
      #expect(await call.rest().trailers["grpc-status"] == "0")
    }
  }

  @Test func requests() async throws {
    try await withRaw { connection, _ in
      // grpc-encoding names what the flag means; the flag is the message's own.
      for (bytes, expected) in [
        (try packed("x"), "true"), (framed(Text("x").serializedBytes()), "false"),
      ] {
        let call = try await connection.open("IsCompressed", [("grpc-encoding", "gzip")])
        call.send(bytes)
        call.end()
        #expect(await call.next() != nil)
        #expect(await call.nextText() == expected)
        #expect(await call.rest().trailers["grpc-status"] == "0")
      }
    }
  }

  @Test func eachMessageOfAStreamByItself() async throws {
    try await withRaw { connection, _ in
      let call = try await connection.open(
        "ChatCompressed", [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip")])
      for (index, isCompressed) in [false, true, true, false].enumerated() {
        if isCompressed { call.send(try packed("x")) } else { call.send("x") }
        if index == 0 {
          guard case .headers(let headers) = await call.next() else {
            Issue.record("no headers")
            return
          }
          #expect(headers["grpc-encoding"] == "gzip")
        }
        let answer = try read(await call.next())
        #expect(answer.text == "\(isCompressed)")
        #expect(answer.isCompressed == isCompressed)
      }
      call.end()
      #expect(await call.rest().trailers["grpc-status"] == "0")
    }
  }

  @Test(arguments: ["Echo", "Join"])
  func whatCannotBeDecompressed(method: String) async throws {
    try await withRaw { connection, channel in
      let bomb = try gzip([UInt8](repeating: 0, count: 8 << 20))
      let fine = try gzip(Text("fine").serializedBytes())
      for (bytes, status) in [
        (framed(bomb, flag: 1), "8"), (framed(Array(fine.dropLast()), flag: 1), "13"),
        (framed(fine + [1, 2, 3], flag: 1), "13"), (framed([], flag: 1), "13"),
      ] {
        let call = try await connection.open(method, [("grpc-encoding", "gzip")])
        call.send(bytes)
        call.end()
        let trailers = await call.rest().trailers
        #expect(trailers["grpc-status"] == status)
        if status == "8" { #expect(trailers["grpc-message"]?.contains("100000") == true) }
        #expect(try await channel.text("Echo", "after") == "after")
      }
    }
  }
}
