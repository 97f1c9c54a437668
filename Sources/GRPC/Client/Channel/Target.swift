internal import NIOCore

/// What a channel calls: one or several addresses, names among them still to be resolved, and what
/// its calls name as their `:authority`.
struct Target: Equatable, Sendable {
  /// As it was written, for people.
  let text: String
  let addresses: [Address]
  let authority: String

  /// - Parameter addresses: at least one.
  init(_ addresses: [Address], authority: String? = nil) {
    self.addresses = addresses
    text = addresses.map(\.description).joined(separator: ",")
    self.authority = authority ?? addresses.first?.authority ?? "localhost"
  }

  /// Port of a name without one (github.com/grpc/grpc, doc/naming.md).
  private static let defaultPort = 443

  /// "host:port", "unix:PATH", "dns:///host:port", "ipv4:1.2.3.4:80,1.2.3.5:80" and
  /// "ipv6:[::1]:80,[::2]:80" (github.com/grpc/grpc, doc/naming.md).
  init(_ text: String) throws(AddressError) {
    func rest(_ scheme: String) -> String? {
      text.hasPrefix(scheme) ? String(text.dropFirst(scheme.count)) : nil
    }
    let addresses: [Address]
    if let name = rest("dns:") {
      addresses = [try Self.named(name, text)]
    } else if let list = rest("ipv4:") ?? rest("ipv6:") {
      addresses = try Self.numeric(list, text)
    } else if let path = rest("unix://") {
      addresses = [try Address("unix:\(path)")]
    } else {
      addresses = [try Address(text)]
    }
    self.init(addresses)
  }

  private static func named(_ name: String, _ text: String) throws(AddressError) -> Address {
    var name = name
    if name.hasPrefix("//") {
      guard name.hasPrefix("///") else {
        throw AddressError(text: text, message: "a DNS server of one's own is not supported")
      }
      name.removeFirst(3)
    }
    let hasPort = name.hasPrefix("[") ? name.contains("]:") : name.contains(":")
    return try Address(hasPort ? name : "\(name):\(defaultPort)")
  }

  private static func numeric(_ list: String, _ text: String) throws(AddressError) -> [Address] {
    var addresses: [Address] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let address = try Address(String(part))
      guard address.isNumeric else {
        throw AddressError(text: text, message: "\(part) is no IP address")
      }
      addresses.append(address)
    }
    return addresses
  }
}

extension Address {
  /// Whether it can be connected to as it stands: a socket's path, or an IP address.
  var isNumeric: Bool {
    switch self {
    case .unix: true
    case .tcp(let host, let port): (try? SocketAddress(ipAddress: host, port: port)) != nil
    }
  }

  /// Whether it is this machine.
  var isLoopback: Bool {
    switch self {
    case .unix: true
    case .tcp(let host, _):
      host == "localhost" || host == "::1" || host.hasPrefix("127.") && isNumeric
    }
  }
}
