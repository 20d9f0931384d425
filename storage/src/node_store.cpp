#include "coterie/storage/node_store.hpp"

#include <random>

#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"
#include "lmdb.hpp"
#include "raft_table.hpp"

namespace coterie::storage {
namespace {

constexpr std::uint64_t map_bytes =
    64 * 1024 * 1024;  // a few KiB are used; room for every register many times over
constexpr std::uint64_t format = 1;
constexpr std::uint32_t max_peers = 65'536;

Bytes encode(const StoredNode& node) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(8);
  out.unsigned_integer(format);
  out.str(node.name);
  out.unsigned_integer(node.replica);
  out.unsigned_integer(node.start.value);
  out.unsigned_integer(node.cluster.high);
  out.unsigned_integer(node.cluster.low);
  out.boolean(node.founder);
  out.unsigned_integer(node.cluster_types);
  return bytes;
}

bool decode(ByteView bytes, StoredNode& node) {
  wire::MsgpackReader in(bytes);
  if (in.array(64) < 8 || in.unsigned_integer() != format) return false;
  node.name = in.text(255);
  node.replica = in.unsigned_integer();
  node.start = StartId{in.unsigned_integer()};
  node.cluster.high = in.unsigned_integer();
  node.cluster.low = in.unsigned_integer();
  node.founder = in.boolean();
  node.cluster_types = in.unsigned_integer();
  return in.ok();
}

}  // namespace

struct NodeStore::Impl {
  Env env;
  MDB_dbi table{};
  MDB_dbi raft{};
  std::string file;
  StoredNode node{};

  [[nodiscard]] Status put(std::initializer_list<std::pair<std::string, Bytes>> entries) {
    Txn txn(env.get(), 0);
    auto rc = txn.status();
    for (const auto& [key, value] : entries) {
      auto k = val(coterie::view(key));
      auto v = val(value);
      if (rc == 0) rc = mdb_put(txn.get(), table, &k, &v, 0);
    }
    if (rc == 0) rc = txn.commit();
    if (rc != 0) return disk_problem(rc, file).error;
    return Done{};
  }

  void load() {
    Txn txn(env.get(), MDB_RDONLY);
    Cursor cursor(txn.get(), table);
    MDB_val key{};
    MDB_val value{};
    for (auto op = MDB_FIRST; cursor.get(key, value, op); op = MDB_NEXT) {
      const auto name = text(storage::view(key));
      if (name == "peers") read_peers(storage::view(value));
      if (name == "life") read_life(storage::view(value));
      if (name == "journal")
        node.journal = StartId{wire::MsgpackReader(storage::view(value)).unsigned_integer()};
      if (name.starts_with("shard/")) read_register(name, storage::view(value));
    }
  }

  void read_register(std::string_view key, ByteView value) {
    const auto shard = static_cast<std::size_t>(std::stoul(std::string(key.substr(6))));
    const auto entry = replication::decode_register(value);
    if (!entry || shard > UINT16_MAX) return;
    if (node.registers.size() <= shard) node.registers.resize(shard + 1);
    node.registers[shard] = *entry;
  }

  void read_life(ByteView value) {
    wire::MsgpackReader in(value);
    if (in.array(2) != 2) return;
    node.confirmed_life = in.unsigned_integer();
    node.tried_life = in.unsigned_integer();
  }

  void read_peers(ByteView value) {
    wire::MsgpackReader in(value);
    const auto count = in.array(max_peers);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i)
      if (const auto peer = parse_address(in.text(64)); peer && in.ok())
        node.peers.push_back(*peer);
  }
};

NodeStore::NodeStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NodeStore::NodeStore(NodeStore&&) noexcept = default;
NodeStore& NodeStore::operator=(NodeStore&&) noexcept = default;
NodeStore::~NodeStore() = default;

const StoredNode& NodeStore::stored() const { return impl_->node; }

Result<NodeStore> NodeStore::open(const DataDirectory& directory, const std::string& name,
                                  const Check& check) {
  auto impl = std::make_unique<Impl>();
  impl->file = directory.file("node.mdb");
  auto env = open_env(impl->file, map_bytes);
  if (!env) return env.error();
  impl->env = std::move(*env);
  bool known = false;
  {
    Txn txn(impl->env.get(), 0);
    auto rc = txn.status();
    if (rc == 0) rc = mdb_dbi_open(txn.get(), "node", MDB_CREATE, &impl->table);
    if (rc == 0) rc = mdb_dbi_open(txn.get(), "raft", MDB_CREATE, &impl->raft);
    if (rc != 0) return disk_problem(rc, impl->file).error;
    const std::string identity = "identity";
    auto key = val(coterie::view(identity));
    MDB_val value{};
    rc = mdb_get(txn.get(), impl->table, &key, &value);
    if (rc != 0 && rc != MDB_NOTFOUND) return disk_problem(rc, impl->file).error;
    if (rc == 0) {
      known = true;
      if (!decode(storage::view(value), impl->node))
        return error(
            Errc::configuration,
            impl->file + " was written by a newer coterie, or is damaged; upgrade or restore it");
    }
    auto raft = load_raft(txn.get(), impl->raft, impl->file);
    if (!raft) return raft.error();
    impl->node.raft = std::move(*raft);
    rc = txn.commit();
    if (rc != 0) return disk_problem(rc, impl->file).error;
  }
  auto& node = impl->node;
  if (known && node.name != name)
    return error(Errc::configuration, "data directory '" + directory.path() +
                                          "' belongs to node '" + node.name + "', not to '" + name +
                                          "'; use --name " + node.name + " or another --data");
  if (!known) {
    std::random_device entropy;
    node.name = name;
    node.replica = std::uint64_t{entropy()} << 32 | entropy();
  }
  node.start = next(node.start);
  impl->load();
  if (const auto good = check ? check(node) : Status(Done{}); !good) return good.error();
  if (const auto saved = impl->put({{"identity", encode(node)}}); !saved) return saved.error();
  return NodeStore(std::move(impl));
}

Status NodeStore::save_identity(const ClusterId& cluster, bool founder) {
  auto changed = impl_->node;
  changed.cluster = cluster;
  changed.founder = changed.founder || founder;
  auto saved = impl_->put({{"identity", encode(changed)}});
  if (saved) impl_->node = changed;
  return saved;
}

Status NodeStore::save_life(std::uint64_t confirmed, std::uint64_t tried) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(2);
  out.unsigned_integer(confirmed);
  out.unsigned_integer(tried);
  return impl_->put({{"life", bytes}});
}

Status NodeStore::save_journal() {
  Bytes bytes;
  wire::MsgpackWriter(bytes).unsigned_integer(impl_->node.start.value);
  return impl_->put({{"journal", bytes}});
}

Status NodeStore::save_raft(const replication::raft::Persist& batch) {
  Txn txn(impl_->env.get(), 0);
  auto rc = txn.status();
  if (rc == 0) rc = storage::save_raft(txn.get(), impl_->raft, batch);
  if (rc == 0) rc = txn.commit();
  if (rc != 0) return disk_problem(rc, impl_->file).error;
  return Done{};
}

Status NodeStore::save_peers(const std::vector<Address>& peers) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(static_cast<std::uint32_t>(peers.size()));
  for (const auto& peer : peers) out.str(to_string(peer));
  return impl_->put({{"peers", bytes}});
}

}  // namespace coterie::storage
