"""A paper feed aggregator and digest mailer.

    collect    fetch → sources (parse) → store                    world  → Entry     → database
    embed      store → embed → store                              Entry  → vector
    digest     store → rank → compose → telling → render → store  Entry  → Ranked → Digest → Message (outbox)
    deliver    store → deliver → store                            Message → inbox

Each word is a module, each line a step: one function in `pipeline`, one command in `cli`, one job in `service`.
"""

__version__ = "0.4.0"
