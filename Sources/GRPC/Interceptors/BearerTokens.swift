internal import NIOConcurrencyHelpers

/// Why tokens cannot be used: a sentence for people, which never quotes one.
public struct TokenError: Error, Sendable, Hashable, CustomStringConvertible {
  public let message: String

  public init(_ message: String) { self.message = message }

  public var description: String { message }
}

/// What is between "Bearer" and the end of the line (RFC 6750 §2.1, "b64token").
enum BearerToken {
  static func isValid(_ token: some Sequence<UInt8>) -> Bool {
    var count = 0
    for byte in token {
      count += 1
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"),
        UInt8(ascii: "="):
        continue
      default: return false
      }
    }
    return count > 0
  }

  /// The tokens of a file, one a line; empty lines and those that begin with "#" are left out.
  static func read(_ path: String) throws(TokenError) -> [[UInt8]] {
    let bytes: [UInt8]
    do throws(TLSError) { bytes = try PEMFile(path).bytes } catch {
      throw TokenError(error.message)
    }
    var tokens: [[UInt8]] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let token = line.trimming { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
      if token.isEmpty || token.first == UInt8(ascii: "#") { continue }
      guard isValid(token) else {
        throw TokenError(
          "\(path):\(index + 1): a token is letters, digits and - . _ ~ + / =, alone on its line")
      }
      tokens.append(Array(token))
    }
    guard !tokens.isEmpty else { throw TokenError("\(path): there is no token in the file") }
    return tokens
  }
}

/// The tokens that a server accepts; they can be replaced while it runs.
public final class AcceptedTokens: Sendable {
  private let tokens: NIOLockedValueBox<[[UInt8]]>

  /// Reads a file with one token a line; blocks. Empty lines and those that begin with "#" are left
  /// out.
  public init(file path: String) throws(TokenError) {
    tokens = NIOLockedValueBox(try BearerToken.read(path))
  }

  public init(_ tokens: [String]) {
    self.tokens = NIOLockedValueBox(tokens.filter { !$0.isEmpty }.map { Array($0.utf8) })
  }

  /// Reads a file again; where that fails, the tokens before are kept.
  public func reload(file path: String) throws(TokenError) {
    let read = try BearerToken.read(path)
    tokens.withLockedValue { $0 = read }
  }

  /// Takes a time that depends on nothing but how many tokens there are and how long `shown` is:
  /// what a caller guesses right must not answer sooner or later.
  func accept(_ shown: some Collection<UInt8>) -> Bool {
    tokens.withLockedValue { tokens in
      var isAccepted: UInt8 = 0
      for token in tokens {
        var difference = token.count ^ shown.count
        for (index, byte) in shown.enumerated() {
          difference |= Int(byte ^ token[index % token.count])
        }
        isAccepted |= difference == 0 ? 1 : 0
      }
      return isAccepted == 1
    }
  }
}

/// A token of one's own in a file, read again when it is a while old, so that it can be replaced.
public final class TokenFile: Sendable {
  private let path: String
  private let read: NIOLockedValueBox<(token: String, at: ContinuousClock.Instant)>
  private static let age = Duration.seconds(10)

  /// Reads the file, which holds one token; blocks.
  public init(_ path: String) throws(TokenError) {
    self.path = path
    read = NIOLockedValueBox((try Self.token(path), .now))
  }

  /// The token. A file that cannot be read any more changes nothing.
  public var token: String {
    read.withLockedValue { read in
      if ContinuousClock.now - read.at > Self.age {
        read = ((try? Self.token(path)) ?? read.token, .now)
      }
      return read.token
    }
  }

  private static func token(_ path: String) throws(TokenError) -> String {
    let tokens = try BearerToken.read(path)
    guard tokens.count == 1 else {
      throw TokenError("\(path): there are \(tokens.count) tokens; leave one")
    }
    return String(decoding: tokens[0], as: UTF8.self)
  }
}

extension ArraySlice<UInt8> {
  fileprivate func trimming(_ isLeftOut: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    var rest = self
    while let first = rest.first, isLeftOut(first) { rest.removeFirst() }
    while let last = rest.last, isLeftOut(last) { rest.removeLast() }
    return rest
  }
}
