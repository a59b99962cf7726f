//! Words for pets' names.
//!
//! Invariant: lower case, one space between two; that is all that is known of them.

/// How it is so.
pub(super) const ADVERBS: &str = "actively actually amazingly barely blatantly briefly broadly clearly closely commonly conversely curiously daily deadly \
    definitely distinctly duly early easily eminently equally evenly evidently exactly factually fairly finally firmly formally \
    freely freshly friendly fully generally gently gladly globally gradually gratefully greatly happily hardly heartily highly \
    honestly hopefully humbly ideally illegally informally inherently initially instantly intensely jointly joyfully keenly kindly \
    largely lately legally lightly likely literally lively locally loosely loudly mainly manually mentally merely mildly mostly \
    mutually namely naturally neatly newly nicely noticeably obviously officially openly optionally overly partially partly \
    patiently perfectly plainly politely possibly precisely presently previously primarily privately probably promptly properly \
    quickly quietly radically randomly rapidly rarely readily really recently regularly reliably remotely roughly routinely safely \
    scarcely secondly secretly seemingly sensibly seriously severely sharply shortly simply sincerely slowly smoothly solely \
    specially steadily strangely strictly strongly suddenly surely terminally thankfully tightly truly typically uniformly uniquely \
    usefully usually vaguely vastly violently virtually visually wholly widely willingly wrongly yearly";

/// How it is.
pub(super) const ADJECTIVES: &str = "able active agile alert ample apt aware basic bold brave brief bright brisk calm candid careful cheerful civil clean clear \
    clever close cool cosmic crisp curious daring dear decent deep direct eager early earnest easy equal exact expert fair famous \
    fast fine firm fit fluent fond free fresh full funny game gentle giving glad golden good grand great happy hardy helpful honest \
    humane humble ideal intent just keen key kind known large lasting legal light likely lively loved loyal lucky major meet merry \
    mighty model modern modest moral mutual native natural neat needed neutral new nice noble normal novel open optimal patient \
    perfect pleasant polite popular positive precise prime prompt proper proud pure quick quiet rapid rare ready real refined \
    regular relaxed resolved rich right robust sacred safe sane secure select sharp shining simple sincere skilled smart smooth \
    sociable social solid sound special stable steady sterling stirring strong sunny super sure sweet swift tender thankful thorough \
    tidy tolerant top tough true trusty upright useful valid viable vital vocal warm wealthy welcome whole willing wise witty \
    wondrous worthy";

/// Its attributes.
pub(super) const NAMES: &str = "adder alpaca ant ape badger bass bat beagle bear bee beetle bird bison boar bobcat bream buck buffalo bull bunny burro calf \
    camel caribou cat catfish cattle cheetah chicken chimp chipmunk cicada civet clam cobra cod collie condor cougar cow coyote crab \
    crane cricket crow cub dane deer dingo doe dog dogfish dolphin donkey dove dragon drake duck eagle earwig eel egret elephant elf \
    elk emu ewe falcon fawn feline ferret filly finch firefly fish flamingo flea fly foal fowl fox frog gannet gator gazelle gecko \
    gibbon giraffe glider gnat gnu goat goldfish goose gopher grackle griffon grizzly grouse grub gull guppy haddock hagfish hare \
    hawk hedgehog hen hermit heron herring hippo hog honeybee hookworm hornet horse hound hyena ibex iguana imp insect jackal jaguar \
    jay jennet joey kangaroo katydid kid kit kite kitten koala koi krill lab lacewing ladybird lamb lark leech lemming lemur leopard \
    liger lion lioness lizard llama lobster locust longhorn loon louse lynx macaque macaw mackerel magpie mako mallard mammal \
    mammoth man manatee mantis marlin marmot marten martin mastiff mayfly minnow mite mole mollusk monitor monkey monster moose \
    moray mosquito moth mouse mudfish mule mullet muskox mustang mutt narwhal newt octopus opossum orca oriole oryx osprey owl ox \
    oyster panda pangolin panther parakeet parrot peacock pegasus pelican penguin perch pheasant phoenix pig pigeon piglet pika \
    piranha platypus polecat pony poodle porpoise possum prawn puma pup python quagga quail quetzal rabbit raccoon ram raptor rat \
    ray reptile rhino robin rodent rooster sailfish salmon satyr sawfish sawfly scorpion sculpin seagull seahorse seal shad shark \
    sheep shepherd shiner shrew shrimp silkworm skink skunk skylark sloth slug snail snake snapper snipe sparrow spider sponge squid \
    squirrel stag starfish starling stingray stork stud sturgeon sunbeam sunbird sunfish swan swift swine tadpole tahr tapir tarpon \
    teal termite terrapin terrier tetra thrush tick tiger titmouse toad tortoise toucan treefrog troll trout tuna turkey turtle \
    unicorn urchin vervet viper vulture wahoo wallaby walleye walrus warthog wasp weasel weevil whale whippet wildcat wolf wombat \
    woodcock worm wren yak yeti zebra";
