/// The TLS settings of a process that serves, calls, or does both; paths of PEM files.
public struct TLSFiles: Sendable, Hashable {
  /// The process's own certificate, followed by the intermediate ones: what it serves with, and what
  /// it shows to servers that ask.
  public var certificate: String?
  /// The certificate's key, unencrypted.
  public var key: String?
  /// Authorities that may have signed the certificates of the servers it calls; nil: the system's.
  public var ca: String?
  /// Authorities that may have signed its clients' certificates; nil: clients are not asked.
  public var clientCA: String?
  /// Whether a client must present a certificate where there is a `clientCA`.
  public var requiresClientCertificate: Bool
  /// The name that the certificates of servers it calls must have; nil: the host that is called.
  public var serverName: String?
  /// How often a server looks at its files.
  public var reloadInterval: Duration

  public init(
    certificate: String? = nil, key: String? = nil, ca: String? = nil, clientCA: String? = nil,
    requiresClientCertificate: Bool = true, serverName: String? = nil,
    reloadInterval: Duration = .seconds(10)
  ) {
    self.certificate = certificate
    self.key = key
    self.ca = ca
    self.clientCA = clientCA
    self.requiresClientCertificate = requiresClientCertificate
    self.serverName = serverName
    self.reloadInterval = reloadInterval
  }

  /// How the process serves on that address; nil: in cleartext, for it has no certificate or listens
  /// on a socket file, whose permissions say who may connect.
  public func server(
    on address: Address,
    onReload: @escaping @Sendable (Result<Void, TLSError>) -> Void,
    onHandshakeFailure: (@Sendable (_ peer: String, TLSError) -> Void)? = nil
  ) -> ServerTLS? {
    guard case .tcp = address, let certificate, let key else { return nil }
    var clients = ServerTLS.ClientCertificates.ignored
    if let clientCA {
      clients =
        requiresClientCertificate
        ? .required(trustRoots: clientCA) : .optional(trustRoots: clientCA)
    }
    return ServerTLS(
      certificateChain: certificate, privateKey: key, clientCertificates: clients,
      reloadInterval: reloadInterval, onReload: onReload, onHandshakeFailure: onHandshakeFailure)
  }

  /// How the process calls servers that speak TLS.
  public func client(
    onReload: (@Sendable (Result<Void, TLSError>) -> Void)? = nil
  ) -> ClientTLS {
    var identity: ClientTLS.Identity?
    if let certificate, let key {
      identity = ClientTLS.Identity(certificateChain: certificate, privateKey: key)
    }
    return ClientTLS(
      trustRoots: ca.map { .file($0) } ?? .system, identity: identity, serverName: serverName,
      onReload: onReload)
  }
}
