internal import Store

/// The tables of the file and how they came to be.
///
/// SQLite's header tells whose file it is (`application_id`) and which schema it has
/// (`user_version`); both are written in the transaction that makes the change.
enum Schema {
  /// "Batn".
  static let applicationID: Int64 = 0x4261_746E

  /// Entry n makes version n + 1 out of version n. Entries are never changed once released.
  static let migrations = [version1]

  /// Plans have a short key within the file: their ids are 16 bytes, and the other tables repeat
  /// the key in every row. `trace` and `outputs` are appended to and found by an index: a group of
  /// many plans then touches few pages, which is most of what a commit costs.
  private static let version1 = """
    CREATE TABLE plans (
      plan INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE,
      status TEXT NOT NULL,
      revision INTEGER NOT NULL,
      last_seq INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      started_at INTEGER,
      resumed_at INTEGER,
      finished_at INTEGER,
      deadline_at INTEGER,
      error_class TEXT,
      error_code TEXT,
      error_message TEXT,
      error_diagnostics TEXT,
      error_retry_after_ms INTEGER,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      calls INTEGER NOT NULL,
      model TEXT NOT NULL,
      output_bytes INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      budget_warnings INTEGER NOT NULL,
      pause_code TEXT,
      pause_message TEXT,
      paused_at INTEGER,
      namespace TEXT NOT NULL,
      name TEXT NOT NULL,
      owner TEXT NOT NULL,
      labels TEXT NOT NULL,
      priority INTEGER NOT NULL,
      budget TEXT NOT NULL,
      task_count INTEGER NOT NULL,
      request_key TEXT,
      request_digest BLOB NOT NULL,
      parent BLOB,
      parent_task TEXT,
      parent_index INTEGER,
      parent_attempt INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX plans_request_key ON plans (namespace, request_key)
      WHERE request_key IS NOT NULL;
    CREATE INDEX plans_unfinished ON plans (id) WHERE \(unfinishedPlans);
    CREATE INDEX plans_open ON plans (id) WHERE \(openPlans);
    CREATE INDEX plans_parent ON plans (parent, id) WHERE parent IS NOT NULL;
    CREATE INDEX plans_owner ON plans (owner, id) WHERE owner <> '';
    CREATE TABLE plan_labels (
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      id BLOB NOT NULL,
      plan INTEGER NOT NULL,
      PRIMARY KEY (key, value, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE namespace_spending (
      namespace TEXT NOT NULL,
      period_start INTEGER NOT NULL,
      tokens INTEGER NOT NULL,
      tasks INTEGER NOT NULL,
      PRIMARY KEY (namespace, period_start)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE definitions (
      plan INTEGER PRIMARY KEY,
      document TEXT NOT NULL,
      payloads BLOB NOT NULL
    ) STRICT;
    CREATE TABLE tasks (
      plan INTEGER NOT NULL,
      ordinal INTEGER NOT NULL,
      status TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      delivery INTEGER NOT NULL,
      token INTEGER NOT NULL,
      token_closed INTEGER NOT NULL,
      has_begun INTEGER NOT NULL,
      question INTEGER NOT NULL,
      resumes INTEGER NOT NULL,
      attempts_before INTEGER NOT NULL,
      adapter TEXT NOT NULL,
      instance TEXT NOT NULL,
      handle TEXT NOT NULL,
      handle_epoch TEXT NOT NULL,
      handle_answered INTEGER NOT NULL,
      started_at INTEGER,
      dispatched_at INTEGER,
      finished_at INTEGER,
      timer_due_at INTEGER,
      timer_delay_ms INTEGER NOT NULL,
      error_class TEXT,
      error_code TEXT,
      error_message TEXT,
      error_diagnostics TEXT,
      error_retry_after_ms INTEGER,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      calls INTEGER NOT NULL,
      model TEXT NOT NULL,
      reported TEXT,
      output_bytes INTEGER NOT NULL,
      item_count INTEGER,
      first_item INTEGER,
      accepted BLOB NOT NULL,
      PRIMARY KEY (plan, ordinal)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outputs (
      output INTEGER PRIMARY KEY,
      plan INTEGER NOT NULL,
      ordinal INTEGER NOT NULL,
      json TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX outputs_task ON outputs (plan, ordinal);
    CREATE TABLE dialogs (
      plan INTEGER NOT NULL,
      ordinal INTEGER NOT NULL,
      turns BLOB NOT NULL,
      PRIMARY KEY (plan, ordinal)
    ) STRICT;
    CREATE TABLE trace (
      transition INTEGER PRIMARY KEY,
      plan INTEGER NOT NULL,
      last_seq INTEGER NOT NULL,
      events TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX trace_seq ON trace (plan, last_seq);
    """

  /// Queries repeat the condition of the index word for word, or SQLite does not use it.
  static let unfinishedPlans = "finished_at IS NULL"
  static let openPlans = "status IN ('created', 'running', 'paused')"

  /// Brings the file to the newest version, each step whole or not at all.
  static func migrate(_ connection: SQLiteConnection, path: String) throws(StoreError) {
    let version: Int
    do throws(SQLiteFailure) {
      version = try self.version(of: connection)
    } catch {
      throw error.unusable(path)
    }
    guard version >= 0 else {
      throw StoreError(
        .unusable, "\(path) is the database of another program; name another file")
    }
    guard version <= migrations.count else {
      throw StoreError(
        .unusable,
        "\(path) has schema \(version) and this program knows \(migrations.count); "
          + "use the newer program that wrote it")
    }
    do throws(SQLiteFailure) {
      for index in version..<migrations.count { try apply(index, connection) }
    } catch {
      throw error.unusable(path)
    }
  }

  /// 0 for a file that is empty, negative for one that is not ours.
  private static func version(of connection: SQLiteConnection) throws(SQLiteFailure) -> Int {
    let version = Int(try connection.integer("PRAGMA user_version") ?? 0)
    let owner = try connection.integer("PRAGMA application_id") ?? 0
    if owner == applicationID { return version }
    let tableCount = try connection.integer("SELECT count(*) FROM sqlite_schema") ?? 0
    return owner == 0 && version == 0 && tableCount == 0 ? 0 : -1
  }

  private static func apply(
    _ index: Int, _ connection: SQLiteConnection
  ) throws(SQLiteFailure) {
    try connection.execute("BEGIN IMMEDIATE")
    try connection.execute(migrations[index])
    try connection.execute("PRAGMA application_id = \(applicationID)")
    try connection.execute("PRAGMA user_version = \(index + 1)")
    try connection.execute("COMMIT")
  }
}
