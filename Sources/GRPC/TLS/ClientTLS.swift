internal import NIOPosix
internal import NIOSSL

/// How a client checks a server, and what it shows of itself. Files are PEM; they are read for the
/// first connection, and again for a later one when they have changed. Channels that are given
/// copies of one value share what was read.
public struct ClientTLS: Sendable {
  /// The authorities that may have signed the server's certificate.
  public enum TrustRoots: Sendable, Hashable {
    /// Those of the system.
    case system
    /// Those in the file.
    case file(String)
  }

  /// What a client presents to a server that asks (mutual TLS).
  public struct Identity: Sendable, Hashable {
    /// Path of the client's certificate, followed by the intermediate ones.
    public var certificateChain: String
    /// Path of the certificate's key, unencrypted.
    public var privateKey: String

    public init(certificateChain: String, privateKey: String) {
      self.certificateChain = certificateChain
      self.privateKey = privateKey
    }
  }

  public let trustRoots: TrustRoots
  public let identity: Identity?
  /// The name that the server's certificate must have; nil: the host of the channel's address.
  public let serverName: String?
  let credentials: TLSCredentials
  private let onReload: (@Sendable (Result<Void, TLSError>) -> Void)?

  /// - Parameter onReload: told when changed files have been read. After a failure those before are
  ///   kept.
  public init(
    trustRoots: TrustRoots = .system, identity: Identity? = nil, serverName: String? = nil,
    onReload: (@Sendable (Result<Void, TLSError>) -> Void)? = nil
  ) {
    self.trustRoots = trustRoots
    self.identity = identity
    self.serverName = serverName
    self.onReload = onReload
    var files: [String] = []
    if let identity { files += [identity.certificateChain, identity.privateKey] }
    if case .file(let path) = trustRoots { files.append(path) }
    credentials = TLSCredentials(files: files) { files throws(TLSError) in
      var configuration = TLSConfiguration.house
      if case .file = trustRoots, let file = files.last {
        configuration.trustRoots = .certificates(try file.certificates())
      }
      if identity != nil { return try configuration.context(chain: files[0], key: files[1]) }
      do {
        return try NIOSSLContext(configuration: configuration)
      } catch {
        throw TLSError(.badFile, "the system's trusted certificates cannot be read: \(error)")
      }
    }
  }

  /// Reads the files now, so that what is wrong with them is known before the first call. Blocks.
  public func check() throws(TLSError) {
    _ = try hostName(of: .unix(path: ""))
    try credentials.reload()
  }

  /// Reads the files if they have changed; blocks. Throws if there was never a good set of them.
  func context(for address: Address) throws(TLSError) -> NIOSSLContext {
    _ = try hostName(of: address)
    let isFirst = credentials.context == nil
    switch credentials.refresh() {
    case .unchanged: break
    case .renewed: if !isFirst { onReload?(.success(())) }
    case .failed(let error):
      if isFirst { throw error }
      onReload?(.failure(error))
    }
    return try credentials.required
  }

  /// What the server's certificate must be for, and what SNI says (RFC 6066 §3); nil: the IP address
  /// that was connected to.
  func hostName(of address: Address) throws(TLSError) -> String? {
    if let serverName {
      guard !serverName.isEmpty, serverName.utf8.count <= 255, !isIPAddress(serverName) else {
        throw TLSError(
          .badServerName,
          "\"\(serverName)\" is no host's name; leave the server name out to have the IP address "
            + "checked")
      }
      return serverName
    }
    switch address {
    case .tcp(let host, _): return isIPAddress(host) ? nil : host
    case .unix: return "localhost"
    }
  }
}
