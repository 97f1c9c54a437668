internal import NIOCore
internal import NIOSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The other side of a connection, in words.
enum TLSPeer: String, CustomStringConvertible {
  case server = "the server"
  case client = "the client"

  var description: String { rawValue }
}

/// What BoringSSL and NIOSSL say, in words that lead to the cause.
enum HandshakeFailure {
  /// - Parameters:
  ///   - host: what the certificate should be for; nil: the address that was called.
  ///   - certificate: of the peer, as far as it was seen.
  static func error(
    _ error: any Error, peer: TLSPeer, host: String?, certificate: NIOSSLCertificate?
  ) -> TLSError {
    if let error = error as? TLSError { return error }
    if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
      return wrongName(peer, certificate.flatMap { PeerCertificate($0) }, host: host)
    }
    let text = "\(error)"
    if text.contains("EOF during handshake") { return hungUp(peer) }
    guard let reason = reason(text) else {
      return TLSError(.handshakeFailed, "TLS failed: \(text)")
    }
    if cleartext.contains(reason) { return withoutTLS(peer) }
    return TLSError(.handshakeFailed, words(reason, peer, certificate))
  }

  private static func hungUp(_ peer: TLSPeer) -> TLSError {
    let advice =
      peer == .server ? "; if it does not speak TLS, leave https:// out of its address" : ""
    return TLSError(
      .peerHungUp, "\(peer) closed the connection during the TLS handshake" + advice)
  }

  private static func withoutTLS(_ peer: TLSPeer) -> TLSError {
    let advice =
      peer == .server
      ? "; leave https:// out of its address, or give it certificates (its setting tls)" : ""
    return TLSError(.peerWithoutTLS, "\(peer) does not speak TLS" + advice)
  }

  static func wrongName(
    _ peer: TLSPeer, _ certificate: PeerCertificate?, host: String?
  ) -> TLSError {
    let names = certificate?.names ?? []
    let list = names.isEmpty ? "no name" : names.map(\.description).joined(separator: ", ")
    let wanted = host ?? "the address that was called"
    return TLSError(
      .handshakeFailed, "\(peer)'s certificate is for \(list), and not for \(wanted)")
  }

  private static func words(
    _ reason: String, _ peer: TLSPeer, _ certificate: NIOSSLCertificate?
  ) -> String {
    if reason == "CERTIFICATE_VERIFY_FAILED" { return verification(peer, certificate) }
    let words = known[reason] ?? reason.replacing("_", with: " ").lowercased()
    return words.replacing("PEER", with: peer.rawValue)
  }

  private static func verification(_ peer: TLSPeer, _ certificate: NIOSSLCertificate?) -> String {
    let now = time(nil)
    if let certificate, certificate.notValidAfter < now {
      return "\(peer)'s certificate has expired"
    }
    if let certificate, certificate.notValidBefore > now {
      return "\(peer)'s certificate is not valid yet"
    }
    return "\(peer)'s certificate is not signed by a trusted authority"
  }

  /// The word in "error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at …".
  private static func reason(_ text: String) -> String? {
    guard let start = text.firstRange(of: "OPENSSL_internal:")?.upperBound else { return nil }
    return String(text[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
  }

  /// Bytes that are no TLS.
  private static let cleartext: Set = ["WRONG_VERSION_NUMBER", "HTTP_REQUEST"]

  /// Alerts are what the other side says of us (RFC 8446 §6.2).
  private static let known = [
    "TLSV1_ALERT_CERTIFICATE_REQUIRED": "PEER asks for a certificate, and none was presented",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "PEER presented no certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "PEER does not trust the authority that signed our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "PEER says that our certificate has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "PEER refuses our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "PEER refuses our certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "PEER found no cipher or certificate in common",
    "TLSV1_ALERT_PROTOCOL_VERSION": "PEER does not take this version of TLS",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "PEER does not speak HTTP/2 over TLS (ALPN h2)",
    "UNSUPPORTED_PROTOCOL": "PEER offers no version of TLS from 1.2 on",
    "NO_SHARED_CIPHER": "PEER has no cipher in common with us",
  ]
}

/// Whether the text is an IPv4 or IPv6 address.
func isIPAddress(_ text: String) -> Bool {
  (try? SocketAddress(ipAddress: text, port: 0)) != nil
}
