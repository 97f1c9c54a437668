internal import NIOCore
internal import NIOSSL

/// The certificates of a server. Files are PEM; they are read when the server starts, and again when
/// they have changed: new connections get the new ones, open ones live on.
public struct ServerTLS: Sendable {
  /// What is asked of clients. Trust roots are the authorities that may have signed their
  /// certificates.
  public enum ClientCertificates: Sendable, Hashable {
    case ignored
    /// Whoever presents one needs a good one.
    case optional(trustRoots: String)
    /// Mutual TLS.
    case required(trustRoots: String)
  }

  /// Path of the server's certificate, followed by the intermediate ones.
  public var certificateChain: String
  /// Path of the certificate's key, unencrypted.
  public var privateKey: String
  public var clientCertificates: ClientCertificates
  /// How often the files are looked at; nil: `GRPCServer.reloadCertificates` alone reads them.
  public var reloadInterval: Duration?
  /// How long a client may take for its handshake.
  public var handshakeTimeout: Duration
  /// Told when changed files have been read. After a failure the certificates before are kept.
  public var onReload: (@Sendable (Result<Void, TLSError>) -> Void)?
  /// Told which peers failed, and why.
  public var onHandshakeFailure: (@Sendable (_ peer: String, TLSError) -> Void)?

  public init(
    certificateChain: String, privateKey: String,
    clientCertificates: ClientCertificates = .ignored,
    reloadInterval: Duration? = .seconds(10), handshakeTimeout: Duration = .seconds(10),
    onReload: (@Sendable (Result<Void, TLSError>) -> Void)? = nil,
    onHandshakeFailure: (@Sendable (_ peer: String, TLSError) -> Void)? = nil
  ) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientCertificates = clientCertificates
    self.reloadInterval = reloadInterval
    self.handshakeTimeout = handshakeTimeout
    self.onReload = onReload
    self.onHandshakeFailure = onHandshakeFailure
  }

  var credentials: TLSCredentials {
    var files = [certificateChain, privateKey]
    let verification: CertificateVerification
    switch clientCertificates {
    case .ignored: verification = .none
    case .optional(let roots):
      verification = .optionalVerification
      files.append(roots)
    case .required(let roots):
      // Clients have no host name to be checked.
      verification = .noHostnameVerification
      files.append(roots)
    }
    return TLSCredentials(files: files) { files throws(TLSError) in
      var configuration = TLSConfiguration.house
      configuration.certificateVerification = verification
      if files.count > 2 { configuration.trustRoots = .certificates(try files[2].certificates()) }
      return try configuration.context(chain: files[0], key: files[1])
    }
  }
}

extension TLSConfiguration {
  /// What servers and clients have in common: TLS 1.2 or later (RFC 9113 §9.2), ALPN "h2" alone.
  static var house: TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["h2"]
    configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
    configuration.shutdownTimeout = .seconds(1)
    return configuration
  }

  /// The context for connections that present this certificate.
  func context(chain: PEMFile, key: PEMFile) throws(TLSError) -> NIOSSLContext {
    var configuration = self
    configuration.certificateChain = try chain.certificates().map { .certificate($0) }
    configuration.privateKey = .privateKey(try key.privateKey())
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch NIOSSLError.failedToLoadPrivateKey {
      throw TLSError(
        .keyMismatch, "\(key.path): the key does not belong to the certificate of \(chain.path)")
    } catch {
      throw TLSError(.badFile, "\(chain.path): the certificate cannot be used: \(error)")
    }
  }
}
