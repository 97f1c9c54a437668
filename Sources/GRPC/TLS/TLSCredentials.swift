internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// The TLS context made of some files, made again when their contents change.
final class TLSCredentials: Sendable {
  enum Refresh {
    case unchanged
    /// New connections get what is in the files now.
    case renewed
    /// Something is wrong with the changed files; what there was is kept. Told once for each change.
    case failed(TLSError)
  }

  private struct State {
    var context: NIOSSLContext?
    /// Hash of the contents that were tried last, so that no key is kept beside BoringSSL's.
    var contents: Int?
    var failure: TLSError?
  }

  private let files: [String]
  private let makeContext: @Sendable ([PEMFile]) throws(TLSError) -> NIOSSLContext
  private let state = NIOLockedValueBox(State())

  init(
    files: [String],
    makeContext: @escaping @Sendable ([PEMFile]) throws(TLSError) -> NIOSSLContext
  ) {
    self.files = files
    self.makeContext = makeContext
  }

  /// Of the last good files.
  var context: NIOSSLContext? { state.withLockedValue { $0.context } }

  var required: NIOSSLContext {
    get throws(TLSError) {
      let (context, failure) = state.withLockedValue { ($0.context, $0.failure) }
      if let context { return context }
      throw failure ?? TLSError(.badFile, "the certificates have not been read yet")
    }
  }

  /// Reads the files, and makes a new context if they are not what they were. Blocks.
  func refresh() -> Refresh {
    var files: [PEMFile] = []
    do throws(TLSError) {
      for path in self.files { files.append(try PEMFile(path)) }
    } catch {
      return keep(after: error, contents: nil)
    }
    return use(files)
  }

  private func use(_ files: [PEMFile]) -> Refresh {
    var hasher = Hasher()
    for file in files { hasher.combine(file.bytes) }
    let contents = hasher.finalize()
    if state.withLockedValue({ $0.contents == contents }) { return .unchanged }
    do throws(TLSError) {
      let context = try makeContext(files)
      state.withLockedValue { $0 = State(context: context, contents: contents) }
      return .renewed
    } catch {
      return keep(after: error, contents: contents)
    }
  }

  private func keep(after error: TLSError, contents: Int?) -> Refresh {
    state.withLockedValue { state in
      let isKnown = state.failure == error
      state.contents = contents
      state.failure = error
      return isKnown ? .unchanged : .failed(error)
    }
  }

  /// Reads the files whether or not they have changed. Throws what is wrong with them; what there
  /// was is kept then. Blocks.
  func reload() throws(TLSError) {
    state.withLockedValue { state in
      state.contents = nil
      state.failure = nil
    }
    if case .failed(let error) = refresh() { throw error }
  }

  /// `refresh` away from the event loops, until the task is cancelled.
  func watch(
    every interval: Duration, on eventLoop: any EventLoop,
    report: @escaping @Sendable (Result<Void, TLSError>) -> Void
  ) -> RepeatedTask {
    let interval = TimeAmount(interval)
    return eventLoop.scheduleRepeatedAsyncTask(initialDelay: interval, delay: interval) { _ in
      NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
        switch self.refresh() {
        case .unchanged: break
        case .renewed: report(.success(()))
        case .failed(let error): report(.failure(error))
        }
      }
    }
  }
}
