internal import ArgumentParser
internal import GRPC

/// Files are PEM.
struct TLSArguments: ParsableArguments {
  @Option(help: "File of the adapter's certificate; with it the adapter speaks TLS.")
  var tlsCertificate: String?
  @Option(help: "File of the certificate's key.")
  var tlsKey: String?
  @Option(help: "File of the authorities that sign the orchestrator's certificate.")
  var tlsCa: String?
  @Option(help: "File of the authorities that sign clients' certificates; they must have one.")
  var tlsClientCa: String?
  @Option(help: "Name of the orchestrator's certificate, if not the host.")
  var tlsServerName: String?
  @Flag(help: "Speak without TLS where other machines can reach it.")
  var insecure = false

  func validate() throws {
    if (tlsCertificate == nil) != (tlsKey == nil) {
      throw ValidationError("--tls-certificate and --tls-key come together")
    }
  }

  var files: TLSFiles {
    TLSFiles(
      certificate: tlsCertificate, key: tlsKey, ca: tlsCa, clientCA: tlsClientCa,
      serverName: tlsServerName)
  }
}
