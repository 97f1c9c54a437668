/// Why certificates cannot be used, or why a TLS connection was not made.
public struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Open: more codes may come.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// A file is missing, cannot be read, or has not in it what it should.
    public static let badFile = Code(rawValue: "BAD_FILE")
    /// A private key is encrypted.
    public static let encryptedKey = Code(rawValue: "ENCRYPTED_KEY")
    /// A private key belongs to another certificate.
    public static let keyMismatch = Code(rawValue: "KEY_MISMATCH")
    /// The name that the server's certificate is to have is none of a host.
    public static let badServerName = Code(rawValue: "BAD_SERVER_NAME")
    /// The peers did not agree on a connection.
    public static let handshakeFailed = Code(rawValue: "HANDSHAKE_FAILED")
    /// The peer speaks TLS, and was called in cleartext.
    public static let peerSpeaksTLS = Code(rawValue: "PEER_SPEAKS_TLS")
    /// The peer does not speak TLS.
    public static let peerWithoutTLS = Code(rawValue: "PEER_WITHOUT_TLS")
    /// The peer closed the connection before anything was agreed on: it may speak TLS where it was
    /// called in cleartext, or cleartext where it was called with TLS.
    public static let peerHungUp = Code(rawValue: "PEER_HUNG_UP")
    /// The peer does not speak HTTP/2 on this connection.
    public static let noHTTP2 = Code(rawValue: "NO_HTTP2")
  }

  public let code: Code
  /// A sentence for people: which file, what is wrong, what to do.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
