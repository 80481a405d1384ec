"""A deterministic world that runs the real stages through every fault, in virtual time.

What Waypost is made of (record, follow, the handlers, the stores) runs as it is; what it runs on
(queues, streams, functions, tables, a disk) is modelled, with every rule that its documentation
states and every failure that it allows. One seed is one world, byte for byte.

* `kernel` has time and processes, `faults` what goes wrong at a call;
* `bus`, `queue`, `functions`, `stream`, `topic` and `dynamodb` are the services, `aws` is our stack
  among them, with the numbers of the template that ships (`shipped`);
* `scenario` draws what happens, `running` lets it happen, `invariants` says what must hold.
"""
