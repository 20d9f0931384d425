/// Coterie: one include for services. Start with README.md; every name is in docs/GLOSSARY.md.
#pragma once

#include "coterie/config.hpp"
#include "coterie/core/address.hpp"
#include "coterie/entity.hpp"
#include "coterie/membership.hpp"
#include "coterie/node.hpp"
#include "coterie/pool.hpp"
#include "coterie/replay.hpp"
