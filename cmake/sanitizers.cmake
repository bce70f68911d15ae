# INFERNO_SANITIZE applies to everything compiled here, so that tests and library agree.
if(INFERNO_SANITIZE)
  add_compile_options(-fsanitize=${INFERNO_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${INFERNO_SANITIZE})
  if(INFERNO_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
