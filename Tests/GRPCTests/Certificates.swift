import Foundation
import GRPC

/// A folder of certificates that `Tests/certificates.sh` makes with openssl; removed at the end.
struct Certificates: Sendable {
  struct Failed: Error {
    let arguments: [String]
    let status: Int32
  }

  let folder: URL

  private static let script = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "certificates.sh")

  static func with(_ body: (Certificates) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "certificates-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let certificates = Certificates(folder: folder)
    try await certificates.make("set")
    try await body(certificates)
  }

  func make(_ arguments: String...) async throws {
    let process = Process()
    process.executableURL = Self.script
    process.arguments = [folder.path()] + arguments
    let ended = AsyncStream<Int32> { continuation in
      process.terminationHandler = {
        continuation.yield($0.terminationStatus)
        continuation.finish()
      }
    }
    try process.run()
    for await status in ended where status != 0 {
      throw Failed(arguments: arguments, status: status)
    }
  }

  func path(_ name: String) -> String { folder.appending(path: name).path() }

  func server(
    _ name: String = "server", key: String? = nil,
    clients: ServerTLS.ClientCertificates = .ignored, interval: Duration? = nil
  ) -> ServerTLS {
    ServerTLS(
      certificateChain: path("\(name).pem"), privateKey: path("\(key ?? name).key"),
      clientCertificates: clients, reloadInterval: interval)
  }

  var mutual: ServerTLS { server(clients: .required(trustRoots: path("ca.pem"))) }

  func client(_ name: String? = nil, roots: String = "ca", serverName: String? = nil) -> ClientTLS {
    ClientTLS(
      trustRoots: .file(path("\(roots).pem")),
      identity: name.map {
        ClientTLS.Identity(
          certificateChain: path("\($0).pem"), privateKey: path("\($0).key"))
      },
      serverName: serverName)
  }
}
