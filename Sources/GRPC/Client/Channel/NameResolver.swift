internal import NIOPosix

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Finds the addresses behind a name.
public protocol NameResolver: Sendable {
  /// The addresses, numeric ones, in the order in which they are to be tried.
  func resolve(_ host: String, port: Int) async throws -> [Address]
}

/// Asks the system: the hosts file, DNS, whatever it is set up for (getaddrinfo(3)).
public struct SystemNameResolver: NameResolver {
  public init() {}

  public func resolve(_ host: String, port: Int) async throws -> [Address] {
    try await NIOThreadPool.singleton.runIfActive {
      try Self.numericHosts(host).map { .tcp(host: $0, port: port) }
    }
  }

  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  private static func numericHosts(_ host: String) throws -> [String] {
    var hints = addrinfo()
    hints.ai_flags = AI_ADDRCONFIG
    hints.ai_socktype = SocketKind.stream
    var first: UnsafeMutablePointer<addrinfo>?
    // Possible return codes: 0; EAI_AGAIN, EAI_NONAME, EAI_FAIL and others, named by gai_strerror.
    let code = getaddrinfo(host, nil, &hints, &first)
    guard code == 0 else {
      throw Failed(description: "\(host): \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(first) }
    var hosts: [String] = []
    var next = first
    while let info = next {
      var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      // Possible return codes: as above.
      let code = getnameinfo(
        info.pointee.ai_addr, info.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0,
        NI_NUMERICHOST)
      if code == 0 {
        hosts.append(
          String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
      }
      next = info.pointee.ai_next
    }
    return hosts
  }

  /// SOCK_STREAM is an enum in one C library and a number in another.
  private enum SocketKind {
    #if canImport(Glibc)
      static let stream = Int32(SOCK_STREAM.rawValue)
    #else
      static let stream = SOCK_STREAM
    #endif
  }
}

/// An address to connect to, and the one it was found for: the same where that is no name.
struct ResolvedAddress: Sendable, Hashable {
  let address: Address
  let name: Address
}

extension NameResolver {
  /// The target's addresses with every name resolved; fails only if nothing is left.
  func resolve(_ target: Target) async throws -> [ResolvedAddress] {
    var resolved: [ResolvedAddress] = []
    var failure: (any Error)?
    for name in target.addresses {
      guard case .tcp(let host, let port) = name, !name.isNumeric else {
        resolved.append(ResolvedAddress(address: name, name: name))
        continue
      }
      do {
        resolved += try await resolve(host, port: port).map {
          ResolvedAddress(address: $0, name: name)
        }
      } catch {
        failure = error
      }
    }
    if resolved.isEmpty, let failure { throw failure }
    return resolved
  }
}
