import Foundation
import Messages
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// TLS and mutual TLS between our own two sides; the certificates come from openssl.
@Suite struct TLSTests {
  /// Says who calls.
  private struct Identity: GRPCService {
    static let method = MethodDescriptor(service: "baton.test.Identity", method: "Who")
    static let scheme = MethodDescriptor(service: "baton.test.Identity", method: "Scheme")

    var methods: [MethodHandler] {
      [
        .unary(Self.method) { (_: Text, context) in
          guard let certificate = context.peerCertificate else { return Text("nobody") }
          let names = certificate.names.map(\.description).joined(separator: " ")
          return Text("\(certificate.commonName ?? "") \(names) \(certificate.der.count > 300)")
        },
        // As it came over the wire.
        .unary(Self.scheme) { (_: Text, context) in Text(context.header(":scheme") ?? "none") },
      ]
    }
  }

  private func with(
    _ server: ServerTLS, _ client: ClientTLS?,
    _ body: (ClientChannel, Address) async throws -> Void
  ) async throws {
    try await withProbe(
      services: [Identity()], server: ServerConfiguration(tls: server),
      channel: ChannelConfiguration(tls: client)
    ) { channel, _, address in try await body(channel, address) }
  }

  private func who(_ channel: ClientChannel) async throws -> String {
    let answer: Text = try await channel.unary(Identity.method, Text())
    return answer.service
  }

  /// What the client says of a connection that must fail.
  private func refusal(_ server: ServerTLS, _ client: ClientTLS) async throws -> String {
    var cause: String?
    try await with(server, client) { channel, _ in
      let error = try #require(await channel.failure("Echo", "x"))
      #expect(error.code == .unavailable)
      cause = error.cause
    }
    return try #require(cause)
  }

  @Test func callsOfAllSizes() async throws {
    try await Certificates.with { files in
      try await with(files.server(), files.client()) { channel, _ in
        #expect(try await channel.text("Echo", "hello") == "hello")
        let large = String(repeating: "ä", count: 1_500_000)
        #expect(try await channel.text("Echo", large) == large)
        var count = 0
        let numbers: ResponseStream<Text> = try await channel.serverStreaming(
          Probe.method("Count"), Text("5000"))
        for try await number in numbers {
          #expect(number.service == "\(count)")
          count += 1
        }
        #expect(count == 5000)
        #expect(try await who(channel) == "nobody")
      }
    }
  }

  @Test func theServerKnowsItsClient() async throws {
    try await Certificates.with { files in
      try await with(files.mutual, files.client("client")) { channel, _ in
        let caller = try await who(channel)
        #expect(
          caller
            == "client dns:client.test uri:spiffe://baton.test/client email:client@baton.test "
            + "ip:10.0.0.7 true")
      }
    }
  }

  @Test func aCertificateThatIsOptional() async throws {
    try await Certificates.with { files in
      let server = files.server(clients: .optional(trustRoots: files.path("ca.pem")))
      try await with(server, files.client()) { channel, _ in
        let caller = try await who(channel)
        #expect(caller == "nobody")
      }
      try await with(server, files.client("client")) { channel, _ in
        let caller = try await who(channel)
        #expect(caller.hasPrefix("client "))
      }
      let cause = try await refusal(server, files.client("stranger"))
      #expect(
        cause == "the server does not trust the authority that signed our certificate")
    }
  }

  @Test func clientsThatAreRefused() async throws {
    try await Certificates.with { files in
      for (client, cause) in [
        (nil, "the server asks for a certificate, and none was presented"),
        ("stranger", "the server does not trust the authority that signed our certificate"),
        ("expired", "the server says that our certificate has expired"),
      ] {
        let answer = try await refusal(files.mutual, files.client(client))
        #expect(answer == cause)
      }
    }
  }

  @Test func theServerSaysWhomItRefused() async throws {
    try await Certificates.with { files in
      var server = files.mutual
      let (refusals, continuation) = AsyncStream.makeStream(of: TLSError.self)
      server.onHandshakeFailure = { peer, error in
        if peer.hasPrefix("127.0.0.1:") { continuation.yield(error) }
      }
      var expected = [
        "the client presented no certificate", "the client's certificate has expired",
        "the client's certificate is not signed by a trusted authority",
      ]
      try await with(server, nil) { _, address in
        for client in [nil, "expired", "stranger"] {
          let channel = ClientChannel(
            address: address, configuration: ChannelConfiguration(tls: files.client(client)))
          #expect(await channel.failure("Echo")?.code == .unavailable)
          channel.close()
        }
        for await error in refusals {
          #expect(error == TLSError(.handshakeFailed, expected.removeFirst()))
          if expected.isEmpty { break }
        }
      }
    }
  }

  @Test func serversThatAreRefused() async throws {
    try await Certificates.with { files in
      let untrusted = "the server's certificate is not signed by a trusted authority"
      let names = "dns:localhost, ip:127.0.0.1, ip:::1"
      for (server, client, cause) in [
        ("stranger", files.client(), untrusted),
        ("server", files.client(roots: "other-ca"), untrusted),
        ("expired", files.client(), "the server's certificate has expired"),
        (
          "elsewhere", files.client(),
          "the server's certificate is for dns:elsewhere.test, and not for the address that was called"
        ),
        (
          "server", files.client(serverName: "elsewhere.test"),
          "the server's certificate is for \(names), and not for elsewhere.test"
        ),
        (
          "server", files.client(serverName: "127.0.0.1"),
          "\"127.0.0.1\" is no host's name; leave the server name out to have the IP address checked"
        ),
        // The system does not know the test's authority.
        ("server", ClientTLS(), untrusted),
      ] {
        let answer = try await refusal(files.server(server), client)
        #expect(answer == cause)
      }
    }
  }

  @Test func aServerUnderAnotherName() async throws {
    try await Certificates.with { files in
      let client = files.client(serverName: "elsewhere.test")
      try await with(files.server("elsewhere"), client) { channel, _ in
        let answer = try await channel.text("Echo", "x")
        #expect(answer == "x")
      }
    }
  }

  @Test func cleartextMeetsTLS() async throws {
    try await Certificates.with { files in
      try await with(files.server(), nil) { channel, _ in
        let error = await channel.failure("Echo")
        #expect(error?.code == .unavailable)
        #expect(error?.neverSent == true)
        #expect(error?.reason == TLSError.Code.peerSpeaksTLS.rawValue)
        #expect(
          error?.cause
            == "the server speaks TLS, and it was called in cleartext; write https:// before its "
            + "address")
      }
      try await withProbe(channel: ChannelConfiguration(tls: files.client())) { channel, _, _ in
        let error = await channel.failure("Echo")
        #expect(error?.code == .unavailable)
        #expect(error?.neverSent == true)
        #expect(error?.reason == TLSError.Code.peerWithoutTLS.rawValue)
        #expect(
          error?.cause
            == "the server does not speak TLS; leave https:// out of its address, or give it "
            + "certificates (its setting tls)")
      }
    }
  }

  /// A server that waits for the other kind of client and then hangs up.
  @Test(arguments: [false, true])
  func whoHangsUpMaySpeakOtherwise(usesTLS: Bool) async throws {
    let server = try await HangingUp.start(after: .firstBytes)
    try await Certificates.with { files in
      let channel = ClientChannel(
        address: server.address,
        configuration: ChannelConfiguration(tls: usesTLS ? files.client() : nil))
      let error = await channel.failure("Echo")
      channel.close()
      #expect(error?.code == .unavailable)
      #expect(error?.neverSent == true)
      #expect(error?.reason == TLSError.Code.peerHungUp.rawValue)
      #expect(
        error?.cause
          == (usesTLS
            ? "the server closed the connection during the TLS handshake; if it does not speak TLS, "
              + "leave https:// out of its address"
            : "the server closed the connection before it said anything; if it speaks TLS, write "
              + "https:// before its address"))
    }
    try await server.stop()
  }

  @Test func theSchemeSaysWhetherThereIsTLS() async throws {
    try await Certificates.with { files in
      try await with(files.server(), files.client()) { channel, _ in
        let scheme: Text = try await channel.unary(Identity.scheme, Text())
        #expect(scheme.service == "https")
      }
    }
    try await withProbe(services: [Identity()]) { channel, _, _ in
      let scheme: Text = try await channel.unary(Identity.scheme, Text())
      #expect(scheme.service == "http")
    }
  }

  @Test func overASocketFile() async throws {
    try await Certificates.with { files in
      let server = GRPCServer(
        services: [Probe()], configuration: ServerConfiguration(tls: files.mutual))
      let address = try await server.start(on: .unix(path: files.path("socket")))
      let channel = ClientChannel(
        address: address, configuration: ChannelConfiguration(tls: files.client("client")))
      #expect(try await channel.text("Echo", "x") == "x")
      channel.close()
      try await server.shutdown(grace: .zero)
    }
  }

  @Test func aClientThatNeverShakesHands() async throws {
    try await Certificates.with { files in
      var server = files.server()
      server.handshakeTimeout = .milliseconds(50)
      try await with(server, nil) { _, address in
        guard case .tcp(let host, let port) = address else { return }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let client = try await bootstrap.connect(host: host, port: port).get()
        try await client.closeFuture.get()
      }
    }
  }

  // MARK: Files

  @Test func filesThatCannotBeUsed() async throws {
    try await Certificates.with { files in
      try Data("no PEM".utf8).write(to: files.folder.appending(path: "bad.pem"))
      try Data("no PEM".utf8).write(to: files.folder.appending(path: "bad.key"))
      let folder = files.folder.path()
      for (tls, code, words) in [
        (
          files.server("missing"), TLSError.Code.badFile, "missing.pem: the file cannot be read: No"
        ),
        (files.server("bad", key: "server"), .badFile, "bad.pem: there is no readable certificate"),
        (files.server(key: "bad"), .badFile, "bad.key: there is no readable private key"),
        (files.server(key: "encrypted"), .encryptedKey, "encrypted.key: the private key is encry"),
        (files.server(key: "client"), .keyMismatch, "client.key: the key does not belong to the"),
        (
          files.server(clients: .required(trustRoots: files.path("server.key"))), .badFile,
          "server.key: there is no readable certificate"
        ),
      ] {
        let server = GRPCServer(services: [], configuration: ServerConfiguration(tls: tls))
        let error = await #expect(throws: TLSError.self) {
          try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
        }
        #expect(error?.code == code)
        let message = error?.message.replacing(folder, with: "").trimmingPrefix("/") ?? ""
        #expect(message.hasPrefix(words), "\(message)")
      }
      #expect(throws: TLSError.self) { try files.client("missing").check() }
      #expect(throws: TLSError.self) { try files.client(serverName: "::1").check() }
      try files.client("client").check()
      let cause = try await refusal(files.server(), files.client("missing"))
      #expect(cause.contains("missing.pem: the file cannot be read"))
    }
  }

  // MARK: Reloading

  @Test func newCertificatesWhileCallsRun() async throws {
    try await Certificates.with { files in
      var tls = files.mutual
      tls.reloadInterval = .milliseconds(20)
      let (outcomes, continuation) = AsyncStream.makeStream(of: Bool.self)
      tls.onReload = { outcome in
        if case .success = outcome { continuation.yield(true) } else { continuation.yield(false) }
      }
      var outcome = outcomes.makeAsyncIterator()
      try await withProbe(
        server: ServerConfiguration(tls: tls),
        channel: ChannelConfiguration(tls: files.client("client"))
      ) { channel, probe, address in
        let held = Task { try await channel.text("Hold", "kept") }
        await probe.record.wait(for: "held")
        // A new authority: who trusts only it can connect once the new certificate is in use.
        try await files.make("authority", "new-ca")
        let others = ChannelConfiguration(tls: files.client("client", roots: "new-ca"))
        let early = ClientChannel(address: address, configuration: others)
        #expect(await early.failure("Echo")?.cause?.contains("trusted authority") == true)
        early.close()
        try await files.make("issue", "new-ca", "server", "DNS:localhost,IP:127.0.0.1")
        // Key and certificate are two files: the server may have seen one without the other.
        while await outcome.next() == false {}
        let late = ClientChannel(address: address, configuration: others)
        #expect(try await late.text("Echo", "new") == "new")
        // The old connection lives on.
        #expect(try await channel.text("Echo", "old") == "old")

        try Data("broken".utf8).write(to: files.folder.appending(path: "server.pem"))
        #expect(await outcome.next() == false)
        let still = ClientChannel(address: address, configuration: others)
        #expect(try await still.text("Echo", "still") == "still")
        probe.record.note("release")
        #expect(try await held.value == "kept")
        late.close()
        still.close()
      }
    }
  }

  @Test func reloadingWhenAsked() async throws {
    try await Certificates.with { files in
      let server = GRPCServer(
        services: [Probe()], configuration: ServerConfiguration(tls: files.server()))
      let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
      try await files.make("issue", "other-ca", "server", "IP:127.0.0.1")
      try await server.reloadCertificates()
      let channel = ClientChannel(
        address: address, configuration: ChannelConfiguration(tls: files.client(roots: "other-ca")))
      #expect(try await channel.text("Echo", "x") == "x")
      channel.close()
      try FileManager.default.removeItem(atPath: files.path("server.key"))
      await #expect(throws: TLSError.self) { try await server.reloadCertificates() }
      let again = ClientChannel(
        address: address, configuration: ChannelConfiguration(tls: files.client(roots: "other-ca")))
      #expect(try await again.text("Echo", "x") == "x")
      again.close()
      try await server.shutdown(grace: .zero)
    }
  }

  @Test func aClientReadsItsFilesAgain() async throws {
    try await Certificates.with { files in
      let reloads = NIOLockedValueBox<[Bool]>([])
      let tls = ClientTLS(
        trustRoots: .file(files.path("ca.pem")),
        identity: .init(
          certificateChain: files.path("client.pem"), privateKey: files.path("client.key"))
      ) { outcome in
        reloads.withLockedValue { $0.append((try? outcome.get()) != nil) }
      }
      try await with(files.mutual, nil) { _, address in
        func call() async throws -> String {
          let channel = ClientChannel(
            address: address, configuration: ChannelConfiguration(tls: tls))
          defer { channel.close() }
          return try await who(channel)
        }
        #expect(try await call().hasPrefix("client dns:client.test"))
        try await files.make("issue", "ca", "client", "DNS:second.test")
        #expect(try await call() == "client dns:second.test true")
        try Data("broken".utf8).write(to: files.folder.appending(path: "client.key"))
        #expect(try await call() == "client dns:second.test true")
        #expect(reloads.withLockedValue { $0 } == [true, false])
      }
    }
  }
}

/// TLS as others see it: openssl's own client and server, and grpcio.
@Suite struct ForeignTLSTests {
  /// Runs openssl to its end; answers all that it printed.
  private func openssl(_ arguments: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = arguments
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = try await onThread { try output.fileHandleForReading.readToEnd() }
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  @Test func whatAClientIsOffered() async throws {
    try await Certificates.with { files in
      try await withProbe(server: ServerConfiguration(tls: files.server())) { _, _, address in
        let arguments = [
          "s_client", "-connect", address.description, "-CAfile", files.path("ca.pem"), "-ign_eof",
        ]
        func look(_ more: String...) async throws -> String {
          try await openssl(arguments + more)
        }
        let without = try await look()
        #expect(without.contains("Verify return code: 0 (ok)"))
        #expect(without.contains("No ALPN negotiated"))
        let http1 = try await look("-alpn", "http/1.1")
        #expect(http1.contains("No ALPN negotiated"))
        let old = try await look("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-alpn", "h2")
        #expect(old.contains("alert protocol version"))
        let weak = try await look("-tls1_2", "-cipher", "AES128-GCM-SHA256", "-alpn", "h2")
        #expect(weak.contains("alert handshake failure"))
      }
    }
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"])
  func http2IsAgreedOn(version: String) async throws {
    try await Certificates.with { files in
      try await withProbe(server: ServerConfiguration(tls: files.mutual)) { _, _, address in
        let seen = try await openssl([
          "s_client", "-connect", address.description, "-CAfile", files.path("ca.pem"), "-cert",
          files.path("client.pem"), "-key", files.path("client.key"), "-alpn", "h2", version,
        ])
        #expect(seen.contains("ALPN protocol: h2"))
        #expect(seen.contains("Verify return code: 0 (ok)"))
      }
    }
  }

  @Test func aServerWithoutHTTP2() async throws {
    try await Certificates.with { files in
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/openssl")
      process.arguments = [
        "s_server", "-accept", "127.0.0.1:0", "-cert", files.path("server.pem"), "-key",
        files.path("server.key"), "-alpn", "http/1.1",
      ]
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      defer {
        // It has inherited a mask that blocks SIGTERM.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let port = try await onThread {
        var text = ""
        while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
          let data = output.fileHandleForReading.availableData
          if data.isEmpty { break }
          text += String(decoding: data, as: UTF8.self)
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT") }
        return try #require(Int(line?.split(separator: ":").last ?? ""))
      }
      let channel = ClientChannel(
        address: .tcp(host: "127.0.0.1", port: port),
        configuration: ChannelConfiguration(tls: files.client()))
      let error = try #require(await channel.failure("Echo"))
      channel.close()
      #expect(error.code == .unavailable)
      #expect(error.neverSent)
      #expect(
        error.cause
          == "the server does not speak HTTP/2 over TLS: it did not take ALPN \"h2\""
          || error.cause == "the server does not speak HTTP/2 over TLS (ALPN h2)")
    }
  }
}
