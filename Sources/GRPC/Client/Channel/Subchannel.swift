internal import HTTP2
internal import NIOCore

/// One of a channel's addresses and the connection to it. What `ChannelMachine` decides about it is
/// carried out here.
///
/// `@unchecked Sendable`: used on the channel's event loop only.
final class Subchannel: @unchecked Sendable {
  let address: Address
  private let id: Int
  private let core: ChannelCore
  private var current: ClientConnection?
  private var backoffTimer: Scheduled<Void>?

  init(_ id: Int, _ address: Address, _ core: ChannelCore) {
    self.id = id
    self.address = address
    self.core = core
  }

  /// Where calls are sent; nil while there is no connection.
  var connection: HTTP2Connection? { current?.connection }

  func connect() {
    let connection = ClientConnection(core, self)
    current = connection
    connection.connect()
  }

  func backOff(_ delay: Duration) {
    backoffTimer = core.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
      self.backoffTimer = nil
      self.core.backoffIsOver(self.id)
    }
  }

  /// The server's SETTINGS have arrived.
  func ready(_ connection: ClientConnection) {
    if connection === current { core.ready(id) }
  }

  /// The connection could not be made, was lost, or takes no new calls.
  func lost(_ connection: ClientConnection, _ failure: ConnectionFailure) {
    guard connection === current else { return }
    current = nil
    core.lost(id, failure, wasOfUse: connection.wasOfUse)
  }

  /// Leaves the connection to its open calls.
  func retire() {
    guard let connection = current else { return }
    connection.drain()
    lost(connection, ConnectionFailure("no stream is left on the connection"))
  }

  /// Takes no new calls; open ones finish.
  func remove() {
    backoffTimer?.cancel()
    current?.drain()
    current = nil
  }

  /// The calls have ended already.
  func close() {
    backoffTimer?.cancel()
    current?.close()
    current = nil
  }
}
