public import Plan

/// The accepted results of a task as durable stores keep them: 44 bytes each, attempt (4), token
/// (8) and digest (32), the highest byte first.
public enum AcceptedRecord {
  private static let size = 44

  public static func encode(_ results: [AcceptedResult]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(results.count * size)
    for result in results {
      withUnsafeBytes(of: result.attempt.bigEndian) { bytes.append(contentsOf: $0) }
      withUnsafeBytes(of: result.token.bigEndian) { bytes.append(contentsOf: $0) }
      bytes += result.digest.bytes
    }
    return bytes
  }

  public static func decode(_ bytes: [UInt8]) throws(StoreError) -> [AcceptedResult] {
    guard bytes.count.isMultiple(of: size) else {
      throw StoreError(.corrupt, "\(bytes.count) bytes are no list of accepted results")
    }
    var results: [AcceptedResult] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      let attempt = bytes[start..<(start + 4)].reduce(Int32(0)) { $0 << 8 | Int32($1) }
      let token = bytes[(start + 4)..<(start + 12)].reduce(Int64(0)) { $0 << 8 | Int64($1) }
      guard let digest = Digest(Array(bytes[(start + 12)..<(start + size)])) else {
        throw StoreError(.corrupt, "an accepted result has no digest")
      }
      results.append(AcceptedResult(attempt: attempt, token: token, digest: digest))
    }
    return results
  }
}
