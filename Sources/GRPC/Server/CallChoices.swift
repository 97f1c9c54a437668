internal import NIOConcurrencyHelpers
internal import Tracing

/// What the handler of a call and the interceptors have set (`ServerContext`).
struct CallChoices {
  var initial = Metadata()
  var trailing = Metadata()
  /// Nil: as the server is configured.
  var compressesResponses: Bool?
  var isRequestCompressed = false
  var serviceContext: ServiceContext?
}

/// What all calls of a connection share.
final class ConnectionInfo: Sendable {
  let peer: String
  let peerCertificate: PeerCertificate?
  let compressesResponses: Bool
  /// Guards what can be set in the contexts of the calls; a lock for each call would cost it an
  /// allocation.
  let lock = NIOLock()

  init(peer: String, peerCertificate: PeerCertificate? = nil, compressesResponses: Bool) {
    self.peer = peer
    self.peerCertificate = peerCertificate
    self.compressesResponses = compressesResponses
  }
}
