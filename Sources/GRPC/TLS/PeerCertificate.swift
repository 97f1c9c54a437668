internal import NIOCore
internal import NIOSSL

/// The verified certificate of the other side of a connection.
public struct PeerCertificate: Sendable, Hashable {
  /// Who it is for, of its subject alternative names (RFC 5280 §4.2.1.6); other kinds are left out.
  public enum Name: Sendable, Hashable, CustomStringConvertible {
    case dns(String)
    case ip(String)
    /// Such as a SPIFFE id.
    case uri(String)
    case email(String)

    /// "dns:example.org".
    public var description: String {
      switch self {
      case .dns(let text): "dns:\(text)"
      case .ip(let text): "ip:\(text)"
      case .uri(let text): "uri:\(text)"
      case .email(let text): "email:\(text)"
      }
    }
  }

  /// The whole certificate.
  public let der: [UInt8]
  public let names: [Name]
  /// Of the subject, the most specific one.
  public let commonName: String?

  init?(_ certificate: NIOSSLCertificate) {
    guard let der = try? certificate.toDERBytes() else { return nil }
    self.der = der
    names = certificate._subjectAlternativeNames().compactMap { name in
      let bytes = Array(name.contents)
      switch name.nameType {
      case .dnsName: return .dns(String(decoding: bytes, as: UTF8.self))
      case .uri: return .uri(String(decoding: bytes, as: UTF8.self))
      case .email: return .email(String(decoding: bytes, as: UTF8.self))
      case .ipAddress:
        let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0)
        return (address?.ipAddress).map { .ip($0) }
      default: return nil
      }
    }
    commonName = DERReader.commonName(ofCertificate: der)
  }

  /// Whether it is for that host (RFC 9525 §6): one of the DNS names alone counts, and a wildcard
  /// only as the whole first label.
  func isFor(host: String) -> Bool {
    let host = labels(host)
    return names.contains { name in
      guard case .dns(let text) = name else { return false }
      let name = labels(text)
      guard name.count == host.count, !host.isEmpty else { return false }
      if name == host { return true }
      return name.first == "*" && host.count > 2 && name.dropFirst() == host.dropFirst()
    }
  }

  private func labels(_ name: String) -> [Substring] {
    let name = name.lowercased()
    let trimmed = name.hasSuffix(".") ? name.dropLast() : name[...]
    return trimmed.split(separator: ".", omittingEmptySubsequences: false)
  }
}

/// As much of DER (ITU-T X.690) as leads to the subject of a certificate (RFC 5280 §4.1).
struct DERReader {
  private var rest: ArraySlice<UInt8>

  private static let sequence: UInt8 = 0x30
  private static let version: UInt8 = 0xA0
  /// 2.5.4.3, id-at-commonName.
  private static let commonName: [UInt8] = [0x55, 0x04, 0x03]

  private init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  static func commonName(ofCertificate der: [UInt8]) -> String? {
    var outer = DERReader(der[...])
    guard let certificate = outer.next()?.contents else { return nil }
    var inside = DERReader(certificate)
    guard let toBeSigned = inside.next()?.contents else { return nil }
    var fields = DERReader(toBeSigned)
    if fields.rest.first == version { _ = fields.next() }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..<4 where fields.next() == nil { return nil }
    guard let subject = fields.next()?.contents else { return nil }
    var found: String?
    var parts = DERReader(subject)
    while let set = parts.next() {
      var attributes = DERReader(set.contents)
      while let attribute = attributes.next() {
        var pair = DERReader(attribute.contents)
        guard let name = pair.next(), name.contents.elementsEqual(commonName),
          let value = pair.next()
        else { continue }
        found = String(decoding: value.contents, as: UTF8.self)
      }
    }
    return found
  }

  private mutating func next() -> (tag: UInt8, contents: ArraySlice<UInt8>)? {
    guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
    var length = Int(first)
    if first >= 0x80 {
      let count = Int(first & 0x7F)
      guard (1...4).contains(count), rest.count >= count else { return nil }
      length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(count)
    }
    guard length <= rest.count else { return nil }
    defer { rest = rest.dropFirst(length) }
    return (tag, rest.prefix(length))
  }
}
