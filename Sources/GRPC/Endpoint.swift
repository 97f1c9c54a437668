internal import NIOCore

/// Where a client finds a server, and whether it speaks TLS with it: "https://host:port" with TLS,
/// "host:port" and "unix:PATH" in cleartext.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  public var address: Address
  public var usesTLS: Bool

  private static let scheme = "https://"

  public init(_ address: Address, usesTLS: Bool) {
    self.address = address
    self.usesTLS = usesTLS
  }

  public init(_ text: String) throws(AddressError) {
    guard text.hasPrefix(Self.scheme) else {
      self.init(try Address(text), usesTLS: false)
      return
    }
    var rest = text.dropFirst(Self.scheme.count)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard !rest.hasPrefix("unix:") else {
      throw AddressError(text: text, message: "a socket file is written unix:PATH")
    }
    self.init(try Address(String(rest)), usesTLS: true)
  }

  public var description: String { usesTLS ? Self.scheme + address.description : "\(address)" }

  /// Whether nobody on a network between can read or change what is sent.
  public var isProtected: Bool { usesTLS || address.isLocal }
}

extension Address {
  /// Whether only this machine can reach it: a socket file, "localhost", 127.0.0.0/8 (RFC 1122
  /// §3.2.1.3) or ::1. Other names may stand for anything.
  public var isLocal: Bool {
    guard case .tcp(let host, _) = self else { return true }
    if host == "localhost" { return true }
    guard let address = try? SocketAddress(ipAddress: host, port: 0), let ip = address.ipAddress
    else { return false }
    return ip == "::1" || (address.protocol == .inet && ip.hasPrefix("127."))
  }
}
