"""Operations over REST: an OpenAPI 3.1 door to queues, handshakes, reports and what happens.

server        where it listens, with what, and how it ends
app           the application: its routes, its errors, its description
entrance      what is turned away before anybody asks what it is for
desk          who asks, of which resource
bodies        what may be said to it
answers       what it says of operations, and how that comes from the values of `operations/`
happenings    what it says of what has happened
idempotency   asking twice is asking once
*_routes      its calls, each translated, asked, and translated back
"""
