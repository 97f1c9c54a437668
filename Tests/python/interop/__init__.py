"""The standard gRPC interop tests in Python: peers of `interop-server` and `interop-client`.

Cases and flags are those of github.com/grpc/grpc, doc/interop-test-descriptions.md.

    python -m interop.server       grpcio's server
    python -m interop.client       grpcio's client
    python -m interop.raw_server   a server on bare HTTP/2 frames
    python -m interop.raw_client   a client on bare HTTP/2 frames
    python -m interop.envoy        Envoy in front of a server

grpcio does not say which messages came compressed; the two raw ones look at that, frame by frame.
"""
