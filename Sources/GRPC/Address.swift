internal import NIOCore

/// Where a server listens or a client connects: "host:port" or "unix:PATH".
public enum Address: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address, IPv6 without brackets; port 0 lets the system choose (servers).
  case tcp(host: String, port: Int)
  case unix(path: String)

  /// "host:port", "[::1]:port" or "unix:PATH".
  public init(_ text: String) throws(AddressError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard !path.isEmpty else { throw AddressError(text: text, message: "the path is empty") }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":") else {
      throw AddressError(text: text, message: "there is no port; write host:port or unix:PATH")
    }
    var host = text[..<colon]
    guard let port = UInt16(text[text.index(after: colon)...]) else {
      throw AddressError(text: text, message: "the port is no number from 0 to 65535")
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw AddressError(text: text, message: "an IPv6 address is written in brackets")
    }
    guard !host.isEmpty else { throw AddressError(text: text, message: "the host is empty") }
    self = .tcp(host: String(host), port: Int(port))
  }

  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// The `:authority` of calls to it. For sockets without a host it is "localhost", as gRPC's own
  /// clients have it.
  var authority: String {
    switch self {
    case .tcp: description
    case .unix: "localhost"
    }
  }

  init?(_ address: SocketAddress?) {
    guard let address else { return nil }
    if let port = address.port, let host = address.ipAddress {
      self = .tcp(host: host, port: port)
    } else if let path = address.pathname {
      self = .unix(path: path)
    } else {
      return nil
    }
  }
}

/// Why a text is no address.
public struct AddressError: Error, Sendable, Hashable, CustomStringConvertible {
  public let text: String
  public let message: String

  public init(text: String, message: String) {
    self.text = text
    self.message = message
  }

  public var description: String { "address \"\(text)\": \(message)" }
}
