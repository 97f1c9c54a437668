internal import CCrypto
public import Plan

/// SHA-256 (FIPS 180-4) over bytes that come in parts.
///
/// The only importer of libcrypto. libcrypto's calls fail here only when memory is exhausted, where
/// Swift itself ends the process; hence preconditions and no errors.
public struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer

  public init() {
    guard let context = EVP_MD_CTX_new() else {
      preconditionFailure("no memory for a SHA-256 context")
    }
    self.context = context
    // Possible return codes: 1 success, 0 failure.
    precondition(EVP_DigestInit_ex(context, Self.algorithm, nil) == 1, "SHA-256 cannot start")
  }

  /// Looked up once: `EVP_sha256()` would be looked up by name at every start. Never freed, never
  /// changed, and libcrypto counts its users by atomics: it may be used from any thread.
  nonisolated(unsafe) private static let algorithm: OpaquePointer = {
    guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
      preconditionFailure("libcrypto has no SHA-256")
    }
    return algorithm
  }()

  deinit { EVP_MD_CTX_free(context) }

  /// Goes on with `bytes`.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Goes on with `bytes`.
  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Goes on with the UTF-8 bytes of `text`.
  public mutating func update(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Goes on with the eight bytes of `number`, the highest first.
  public mutating func update(_ number: UInt64) {
    withUnsafeBytes(of: number.bigEndian) { append($0) }
  }

  private func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(
      EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "SHA-256 cannot go on")
  }

  /// The digest of everything that came.
  public consuming func finalize() -> Digest {
    var bytes = [UInt8](repeating: 0, count: 32)
    let result = bytes.withUnsafeMutableBufferPointer {
      EVP_DigestFinal_ex(context, $0.baseAddress, nil)
    }
    guard result == 1, let digest = Digest(bytes) else {
      preconditionFailure("SHA-256 cannot end")
    }
    return digest
  }
}

extension Digest {
  /// SHA-256 of `bytes`.
  public static func sha256(of bytes: [UInt8]) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// SHA-256 of the UTF-8 bytes of `text`.
  public static func sha256(of text: String) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update(text)
    return hasher.finalize()
  }
}
