import HTTP2
import Messages
import NIOCore
import Testing

@testable import GRPC

@Suite struct MetadataTests {
  @Test func throughHeaders() throws {
    var metadata: Metadata = ["X-Text": "a b", "x-text": "c"]
    metadata.add("x-bytes-bin", binary: [0, 255, 1])
    metadata.add("x-bytes-bin", binary: [])
    var headers = HeaderBlock()
    headers.append(":path", "/a/b")
    headers.append("content-type", "application/grpc")
    headers.append("grpc-timeout", "1S")
    try metadata.append(to: &headers)
    let received = Metadata(headers)
    #expect(received == metadata)
    #expect(received["x-text"] == [.string("a b"), .string("c")])
    #expect(received.binary("x-bytes-bin") == [0, 255, 1])
  }

  @Test func binaryValuesMayComeJoined() {
    var headers = HeaderBlock()
    headers.append("x-bin", "AQ,Ag==,*")
    #expect(
      Metadata(headers)["x-bin"] == [.binary([1]), .binary([2]), .string("*")])
  }

  @Test(arguments: [
    ("", "a"), ("x a", "a"), ("grpc-status", "0"), ("te", "a"), ("content-type", "a"),
    ("x", "ü"), ("x", "a\nb"), ("x-bin", "text"), ("x:y", "a"),
  ])
  func whatMustNotBeSent(key: String, value: String) {
    var headers = HeaderBlock()
    let metadata: Metadata = [key: value]
    #expect(throws: RPCError.self) { try metadata.append(to: &headers) }
  }
}

@Suite struct FloodConfigurationTests {
  @Test func eachFloodHasItsLimit() {
    var configuration = ServerConfiguration()
    for (index, flood) in Flood.allCases.enumerated() {
      configuration.allow(flood, burst: index + 1, perSecond: index + 11)
    }
    let limits = configuration.http2.floodLimits
    #expect(
      [
        limits.ping, limits.settings, limits.priority, limits.windowUpdate, limits.empty,
        limits.reset,
      ] == (0..<6).map { HTTP2Rate(burst: $0 + 1, perSecond: $0 + 11) })
  }
}

@Suite struct StatusTests {
  @Test func everythingArrives() throws {
    var error = RPCError(
      code: .failedPrecondition, reason: "STALE_LEASE", message: "100 % ünlucky\n",
      metadata: ["task_id": "a", "limit": "3"], retryDelay: .milliseconds(1500))
    error.metadata = ["x-more": "yes"]
    let headers = ResponseTrailers(error, ["x-context": "1"]).fields
    guard case .failed(let received) = StatusFields.read(headers) else {
      Issue.record("not read as a failure")
      return
    }
    #expect(received.code == .failedPrecondition)
    #expect(received.message == "100 % ünlucky\n")
    #expect(received.reason == "STALE_LEASE")
    #expect(received.errorInfo?.domain == "baton")
    #expect(received.errorInfo?.metadata == ["task_id": "a", "limit": "3"])
    #expect(received.retryDelay == .milliseconds(1500))
    #expect(received.metadata.string("x-more") == "yes")
    #expect(received.metadata.string("x-context") == "1")
    #expect(!received.neverSent)
  }

  @Test func brokenDetailsDoNotHideTheStatus() {
    var headers = HeaderBlock()
    headers.append("grpc-status", "9")
    headers.append("grpc-status-details-bin", "/////w")
    guard case .failed(let error) = StatusFields.read(headers) else {
      Issue.record("not read as a failure")
      return
    }
    #expect(error.code == .failedPrecondition)
    #expect(error.details.isEmpty)
  }

  @Test func metadataThatCannotBeSentIsSaid() {
    let trailers = ResponseTrailers(nil, ["x": "ü"])
    #expect(trailers.status?.code == .internalError)
    #expect(trailers.fields["grpc-status"] == "13")
    #expect(trailers.fields["x"] == nil)
  }

  @Test func codesHaveTheirNames() {
    #expect(StatusCode.unauthenticated.description == "UNAUTHENTICATED")
    #expect(StatusCode(rawValue: 99).description == "CODE_99")
  }
}

@Suite struct RequestHeadTests {
  private static let methods = MethodTable(
    [
      .unary(MethodDescriptor(service: "a.B", method: "C")) {
        (request: GrpcHealthV1.HealthCheckRequest, _) in request
      }
    ], ServerConfiguration())

  private func read(
    _ changes: [String: String?] = [:]
  ) throws(RequestHead.Refusal) -> RequestHead {
    var fields = [
      ":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc", "te": "trailers",
    ]
    for (name, value) in changes { fields[name] = value }
    var headers = HeaderBlock()
    for (name, value) in fields { headers.append(name, value) }
    return try RequestHead(headers, Self.methods, receivedTime: .uptimeNanoseconds(1000))
  }

  private func summary(_ changes: [String: String?]) -> String {
    do throws(RequestHead.Refusal) {
      let head = try read(changes)
      return head.entry.handler.descriptor.description
        + (head.deadline.map { " by \($0.time.uptimeNanoseconds)" } ?? "")
        + (head.encodings.request == .gzip ? " from gzip" : "")
        + (head.encodings.acceptsGzip ? " to gzip" : "")
    } catch {
      return switch error {
      case .httpStatus(let status): "\(status)"
      case .status(let error): "\(error.code)"
      }
    }
  }

  @Test(
    arguments: [
      ([:], "a.B/C"), (["grpc-timeout": "5u"], "a.B/C by 6000"),
      (["content-type": "application/grpc+proto"], "a.B/C"),
      (["content-type": "application/grpc;charset=utf-8"], "a.B/C"),
      (["content-type": "application/grpc+json"], "415"),
      (["content-type": "application/grpc-web"], "415"),
      (["content-type": "application/json"], "415"), (["content-type": nil], "415"),
      ([":method": "GET"], "405"), ([":path": "/a.B/D"], "UNIMPLEMENTED"),
      ([":path": "/a.B/"], "UNIMPLEMENTED"), ([":path": "/"], "UNIMPLEMENTED"),
      (["grpc-encoding": "gzip"], "a.B/C from gzip"), (["grpc-encoding": "identity"], "a.B/C"),
      (["grpc-encoding": "snappy"], "UNIMPLEMENTED"),
      (["grpc-accept-encoding": "identity, deflate , gzip"], "a.B/C to gzip"),
      (["grpc-accept-encoding": "gzip,identity"], "a.B/C to gzip"),
      (["grpc-accept-encoding": "gzip2,,"], "a.B/C"),
      (["grpc-timeout": "0m"], "DEADLINE_EXCEEDED"), (["grpc-timeout": "x"], "INVALID_ARGUMENT"),
    ] as [([String: String?], String)])
  func head(changes: [String: String?], expected: String) {
    #expect(summary(changes) == expected)
  }

  @Test func methodsAreFoundAmongMany() {
    // Paths of all lengths, from shorter than a word to several.
    let methods = (0..<500).map { index in
      let name = String(repeating: "x", count: index % 20) + "\(index)"
      return MethodHandler.unary(MethodDescriptor(service: "s", method: name)) {
        (request: GrpcHealthV1.HealthCheckRequest, _) in request
      }
    }
    let table = MethodTable(methods, ServerConfiguration())
    for method in methods {
      let found = method.path.withUnsafeBytes { table[$0] }
      #expect(found?.handler.descriptor == method.descriptor)
    }
    #expect(Array("/s/500".utf8).withUnsafeBytes { table[$0] } == nil)
  }
}

@Suite struct AddressTests {
  @Test(arguments: [
    ("127.0.0.1:80", Address.tcp(host: "127.0.0.1", port: 80)),
    ("[::1]:443", .tcp(host: "::1", port: 443)), ("localhost:0", .tcp(host: "localhost", port: 0)),
    ("unix:/run/a:b", .unix(path: "/run/a:b")),
  ])
  func address(text: String, expected: Address) throws {
    let address = try Address(text)
    #expect(address == expected)
    #expect(address.description == text)
  }

  @Test(arguments: ["", "localhost", ":80", "a:b", "a:65536", "unix:", "::1:80", "a:-1"])
  func noAddress(text: String) {
    #expect(throws: AddressError.self) { try Address(text) }
  }
}
