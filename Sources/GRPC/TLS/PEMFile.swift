internal import NIOSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// One file of certificates or with a key, as it was when it was read.
struct PEMFile {
  let path: String
  let bytes: [UInt8]

  /// A bundle of every public authority takes a quarter of it.
  private static let bytesMax = 1 << 20

  /// Reads the file; blocks.
  init(_ path: String) throws(TLSError) {
    self.path = path
    guard let file = fopen(path, "rb") else { throw Self.unreadable(path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 8_192)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 {
      bytes += piece[..<count]
      guard bytes.count <= Self.bytesMax else {
        throw TLSError(.badFile, "\(path): the file is larger than \(Self.bytesMax) bytes")
      }
    }
    guard ferror(file) == 0 else { throw Self.unreadable(path) }
    self.bytes = bytes
  }

  private static func unreadable(_ path: String) -> TLSError {
    TLSError(.badFile, "\(path): the file cannot be read: \(String(cString: strerror(errno)))")
  }

  /// The certificates, in the file's order; at least one.
  func certificates() throws(TLSError) -> [NIOSSLCertificate] {
    guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty
    else {
      throw TLSError(
        .badFile,
        "\(path): there is no readable certificate in it; PEM is wanted, "
          + "-----BEGIN CERTIFICATE-----")
    }
    return certificates
  }

  func privateKey() throws(TLSError) -> NIOSSLPrivateKey {
    // Asked first, for BoringSSL would ask whoever sits at the terminal for the password.
    let text = String(decoding: bytes, as: UTF8.self)
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
      throw TLSError(
        .encryptedKey,
        "\(path): the private key is encrypted; keep it unencrypted in a file that only its user "
          + "may read (openssl pkey -in ENCRYPTED -out KEY)")
    }
    guard !bytes.isEmpty, let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
      throw TLSError(
        .badFile,
        "\(path): there is no readable private key in it; PEM with BEGIN PRIVATE KEY is wanted"
      )
    }
    return key
  }
}
