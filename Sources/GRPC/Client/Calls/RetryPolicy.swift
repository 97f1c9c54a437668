/// When a call that the server may have looked at is sent again (github.com/grpc/proposal, A6). It
/// applies to calls with `CallOptions.isIdempotent` whose response has not begun and whose requests
/// are still kept; the call's deadline spans all attempts. What the server says in
/// `grpc-retry-pushback-ms` goes before the delays here.
public struct RetryPolicy: Sendable, Hashable {
  /// Attempts in all, the first one included.
  public var attemptsMax: Int
  /// The delay before attempt n + 1 is initial * multiplier^(n-1), at most `max`, give or take
  /// `jitter`.
  public var backoff: Backoff
  /// The status codes that are tried again.
  public var codes: Set<StatusCode>
  /// When a channel stops retrying because too much fails; nil: never.
  public var throttling: Throttling?

  /// Every failed attempt takes a token, every call that succeeds gives back a part of one. At half
  /// of the tokens or less nothing is retried.
  public struct Throttling: Sendable, Hashable {
    public var tokensMax: Double
    public var tokensPerSuccess: Double

    public init(tokensMax: Double = 10, tokensPerSuccess: Double = 0.1) {
      self.tokensMax = tokensMax
      self.tokensPerSuccess = tokensPerSuccess
    }
  }

  public init(
    attemptsMax: Int = 3,
    backoff: Backoff = Backoff(initial: .milliseconds(100), multiplier: 2, max: .seconds(1)),
    codes: Set<StatusCode> = [.unavailable], throttling: Throttling? = Throttling()
  ) {
    self.attemptsMax = attemptsMax
    self.backoff = backoff
    self.codes = codes
    self.throttling = throttling
  }

  /// - Parameter random: in -1...1.
  func time(of delay: RetryDelay, random: Double) -> Duration {
    switch delay {
    case .backoff(let number): backoff.delay(failures: number, random: random)
    case .exactly(let delay): delay
    }
  }
}

/// How long a call waits for its next attempt.
enum RetryDelay: Equatable {
  /// By the policy; the first delay has number 1.
  case backoff(number: Int)
  case exactly(Duration)
}

/// What `grpc-retry-pushback-ms` says.
enum RetryPushback: Equatable {
  case none
  case after(Duration)
  /// Negative, or no number: do not come back.
  case stop

  init(_ text: UnsafeRawBufferPointer) {
    let milliseconds = Int32(String(decoding: text, as: UTF8.self))
    guard let milliseconds, milliseconds >= 0 else {
      self = .stop
      return
    }
    self = .after(.milliseconds(milliseconds))
  }
}

/// A channel's bucket of tokens for retries, as a value.
struct RetryThrottle: Equatable {
  private let policy: RetryPolicy?
  private(set) var tokens: Double

  init(_ policy: RetryPolicy?) {
    self.policy = policy
    tokens = policy?.throttling?.tokensMax ?? 0
  }

  mutating func succeeded() {
    guard let throttling = policy?.throttling else { return }
    tokens = min(tokens + throttling.tokensPerSuccess, throttling.tokensMax)
  }

  /// Answers whether there may be another attempt.
  mutating func failed(_ code: StatusCode) -> Bool {
    guard let policy, policy.codes.contains(code) else { return false }
    guard let throttling = policy.throttling else { return true }
    tokens = max(tokens - 1, 0)
    return tokens > throttling.tokensMax / 2
  }
}
