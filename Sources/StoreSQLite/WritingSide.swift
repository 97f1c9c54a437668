internal import Plan
internal import Store

/// The lock on the file, the writing connection and what runs on it.
///
/// `@unchecked Sendable`: its store alone has it, and uses it with the lock of writing held.
final class WritingSide: @unchecked Sendable {
  let writer: PlanWriter
  let reader: PlanReader
  private let connection: SQLiteConnection
  private var checkpointFailure: String?
  /// Pages that the WAL had when it was last copied; less where it has started over since.
  private var checkpointedPageCount = 0
  // Declared last, and so let go after the connection.
  private let lock: FileLock

  /// Pages in the WAL at which it is copied into the database: 16 MiB.
  private static let checkpointPages = 4_000
  /// Pages at which readers are shut out, so that the WAL can start over.
  private static let restartPages = 4 * checkpointPages

  /// Opens the file, makes or migrates it as needed. `path` is absolute.
  init(path: String) throws(StoreError) {
    lock = try FileLock(path: path + "-lock", for: path)
    do throws(SQLiteFailure) {
      connection = try SQLiteConnection(path: path, mode: .readWrite)
      try Self.configure(connection)
    } catch {
      throw error.unusable(path)
    }
    try Schema.migrate(connection, path: path)
    do throws(SQLiteFailure) {
      writer = try PlanWriter(connection)
      reader = try PlanReader(connection)
    } catch {
      throw error.unusable(path)
    }
    connection.watchWAL()
  }

  /// Possible answers of `journal_mode`: the mode that holds, which is not WAL where shared memory
  /// cannot be had.
  private static func configure(_ connection: SQLiteConnection) throws(SQLiteFailure) {
    guard try connection.text("PRAGMA journal_mode = WAL") == "wal" else {
      throw SQLiteFailure(code: 0, message: "WAL mode is refused; use a local file system")
    }
    // NORMAL lost acknowledged commits when power failed. `fullfsync` is for macOS, whose fsync
    // leaves data in the drive's cache.
    try connection.execute(
      """
      PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
      PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
      PRAGMA journal_size_limit = \(restartPages * 4_096)
      """)
  }

  /// Keeps the WAL bounded, after a commit. What fails is tried again after as many pages more and
  /// told by `walStatus`: the commit itself has happened.
  ///
  /// A log that our own readers keep from starting over is copied while `shuttingOutReaders` runs.
  func checkpointIfLarge(shuttingOutReaders: (() -> Void) -> Void) {
    let pageCount = connection.walPageCount
    if pageCount < checkpointedPageCount { checkpointedPageCount = 0 }
    guard pageCount - checkpointedPageCount >= Self.checkpointPages else { return }
    checkpointedPageCount = pageCount
    if pageCount >= Self.restartPages {
      shuttingOutReaders { checkpoint(.restart) }
    } else {
      checkpoint(.passive)
    }
  }

  private func checkpoint(_ mode: SQLiteConnection.CheckpointMode) {
    do throws(SQLiteFailure) {
      try connection.checkpoint(mode)
      checkpointFailure = nil
    } catch {
      checkpointFailure = "\(error.message) (SQLite code \(error.code))"
    }
  }

  /// Leaves the WAL empty where nobody else reads the file; the last connection removes it.
  func finish() { checkpoint(.truncate) }

  var walStatus: WALStatus {
    WALStatus(pageCount: connection.walPageCount, checkpointFailure: checkpointFailure)
  }
}
