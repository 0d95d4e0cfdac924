@0xd1c4a0b7e3f52698;
# What pycapnp needs to be told for the workloads.

struct Line { sku @0 :Text; qty @1 :Int64; price @2 :Float64; title @3 :Text; taxed @4 :Bool; }
struct Order {
  id @0 :Int64; customer @1 :Text; email @2 :Text; total @3 :Float64; paid @4 :Bool; currency @5 :Text;
  status @6 :Text; created @7 :Int64; weight @8 :Float64; note @9 :Text; lines @10 :List(Line);
}
struct Entry { key @0 :Text; value @1 :Int64; }
interface Ref {}
interface Callback { set @0 (value :Int64) -> (); }
interface Bench {
  add @0 (a :Int64, b :Int64) -> (sum :Int64);
  put @1 (order :Order) -> (sum :Int64);
  blob @2 (data :Data) -> (size :Int64);
  big @3 () -> (entries :List(Entry));
  subscribe @4 (callback :Callback) -> ();
  ref @5 () -> (ref :Ref);
}
